//! The little that has to be known of a statement before the engine sees it: whether it is one statement,
//! where the data of an INSERT begins, and which FORMAT it names. Everything else is the engine's business.

/// What a text is made of, as far as this server cares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// An INSERT with data behind it.
    pub(crate) insert: Option<InsertHead>,
    /// Another statement follows the first `;`.
    pub(crate) several: bool,
    /// `CREATE TEMPORARY …`: changes the session.
    pub(crate) temporary: bool,
    /// `… INTO OUTFILE` or `… FROM INFILE`: for clients that have files, not for a server.
    pub(crate) file: Option<FileClause>,
    /// `INSERT … SELECT … FROM input(…)`: the engine as a library would take it and write nothing.
    pub(crate) input: bool,
    /// The FORMAT that the text names.
    pub(crate) format: Option<String>,
    /// There is nothing but blanks and comments.
    pub(crate) empty: bool,
}

/// The clauses that mean a file on the client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileClause {
    IntoOutfile,
    FromInfile,
}

/// An INSERT up to its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InsertHead {
    /// Length of the statement without `FORMAT x` or `VALUES`.
    pub(crate) statement: usize,
    /// Where the data begins.
    pub(crate) data: usize,
    /// The format of the data.
    pub(crate) format: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Quoted,
    Open,
    Close,
    Semicolon,
    Other,
}

/// Splits ClickHouse SQL into just enough tokens: strings, quoted names, heredocs and comments are opaque.
struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn skip_blank(&mut self) {
        loop {
            match self.text.get(self.at..).unwrap_or_default() {
                [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, ..] => self.at += 1,
                [b'-', b'-', ..] | [b'#', b' ' | b'!', ..] => self.skip_line(),
                [b'/', b'/', ..] => self.skip_line(),
                [b'/', b'*', ..] => self.skip_comment(),
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|it| *it == b'\n')
            .unwrap_or(rest.len());
    }

    /// Comments nest.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.text.get(self.at..).unwrap_or_default() {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.at += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                [_, ..] => self.at += 1,
                [] => return,
            }
        }
    }

    /// Past the closing `quote`, which is escaped by a backslash or by doubling.
    fn skip_quoted(&mut self, quote: u8) {
        self.at += 1;
        loop {
            match self.text.get(self.at..).unwrap_or_default() {
                [b'\\', _, ..] => self.at += 2,
                [a, b, ..] if *a == quote && *b == quote => self.at += 2,
                [a, ..] if *a == quote => {
                    self.at += 1;
                    return;
                }
                [_, ..] => self.at += 1,
                [] => return,
            }
        }
    }

    /// `$tag$ … $tag$`; false if this dollar begins no heredoc.
    fn skip_heredoc(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(end) = rest.iter().skip(1).position(|it| *it == b'$') else {
            return false;
        };
        let (tag, body) = rest.split_at(end + 2);
        if !tag[1..=end].iter().all(|it| is_word(*it)) {
            return false;
        }
        match body.windows(tag.len()).position(|it| it == tag) {
            Some(close) => {
                self.at += tag.len() + close + tag.len();
                true
            }
            None => false,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl<'a> Iterator for Lexer<'a> {
    /// A token with the offsets of its first byte and of the byte after it.
    type Item = (Token<'a>, usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_blank();
        let start = self.at;
        let first = *self.text.get(start)?;
        let token = match first {
            b'\'' | b'"' | b'`' => {
                self.skip_quoted(first);
                Token::Quoted
            }
            b'$' if self.skip_heredoc() => Token::Quoted,
            _ if is_word(first) => {
                while self.text.get(self.at).is_some_and(|it| is_word(*it)) {
                    self.at += 1;
                }
                Token::Word(std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default())
            }
            _ => {
                self.at += 1;
                match first {
                    b'(' | b'[' | b'{' => Token::Open,
                    b')' | b']' | b'}' => Token::Close,
                    b';' => Token::Semicolon,
                    _ => Token::Other,
                }
            }
        };
        Some((token, start, self.at))
    }
}

fn is(token: Token<'_>, keyword: &str) -> bool {
    matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
}

/// Reads the outline of `text`, which may be cut off behind the head of an INSERT.
pub(crate) fn outline(text: &[u8]) -> Outline {
    let mut outline = Outline {
        empty: true,
        ..Outline::default()
    };
    let mut depth = 0_usize;
    let mut insert = InsertScan::default();
    let mut previous = Token::Other;
    // `FORMAT x` is the clause only at the end: a column may be called `format`.
    let mut format: Option<&str> = None;
    let mut ended = false;
    let (mut inserting, mut selecting) = (false, false);
    for (position, (token, start, end)) in (Lexer { text, at: 0 }).enumerate() {
        if token == Token::Semicolon {
            ended |= !outline.empty;
            continue;
        }
        if ended {
            outline.several = true;
            break;
        }
        outline.empty = false;
        inserting |= depth == 0 && is(token, "INSERT");
        selecting |= inserting && is(token, "SELECT");
        outline.input |= selecting && is(previous, "INPUT") && token == Token::Open;
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            if position == 0 {
                insert.active = is(token, "INSERT");
            } else if let Some(head) = insert.step(text, token, start, end) {
                outline.format = Some(head.format.clone());
                outline.insert = Some(head);
                return outline;
            }
            outline.temporary |= position < 4 && is(token, "TEMPORARY");
            if is(previous, "INTO") && is(token, "OUTFILE") {
                outline.file = Some(FileClause::IntoOutfile);
            } else if is(previous, "FROM") && is(token, "INFILE") {
                outline.file = Some(FileClause::FromInfile);
            }
        }
        format = match token {
            Token::Word(name) if depth == 0 && is(previous, "FORMAT") => Some(name),
            _ if is(token, "SETTINGS") && depth == 0 => {
                outline.format = format.map(str::to_owned);
                None
            }
            _ => None,
        };
        previous = token;
    }
    if let Some(format) = format {
        outline.format = Some(format.to_owned());
    }
    outline
}

/// Says whether a `;` and more follow in `values`, the data of an INSERT … VALUES: the engine would stop there
/// and forget the rest.
pub(crate) fn goes_on(values: &[u8]) -> bool {
    let mut tokens = (Lexer {
        text: values,
        at: 0,
    })
    .map(|(token, ..)| token);
    tokens.any(|it| it == Token::Semicolon) && tokens.any(|it| it != Token::Semicolon)
}

/// Walks `INSERT INTO [TABLE] [FUNCTION] name[.name] … (FORMAT x | VALUES)` outside parentheses.
#[derive(Default)]
struct InsertScan {
    active: bool,
    /// The table's name has been read, and no dot follows it.
    named: bool,
    /// Offset of the last token of the name: a table may be called `format`.
    name_at: usize,
    format_at: Option<usize>,
}

impl InsertScan {
    fn step(
        &mut self,
        text: &[u8],
        token: Token<'_>,
        start: usize,
        end: usize,
    ) -> Option<InsertHead> {
        if !self.active {
            return None;
        }
        if !self.named {
            let introduces = ["INTO", "TABLE", "FUNCTION"].iter().any(|it| is(token, it));
            if !introduces && matches!(token, Token::Word(_) | Token::Quoted) {
                self.named = true;
                self.name_at = end;
            }
            return None;
        }
        // A dot goes on with the name: `database.table`.
        if token == Token::Other && text.get(start) == Some(&b'.') && start == self.name_at {
            self.named = false;
            return None;
        }
        if let Some(statement) = self.format_at {
            return match token {
                Token::Word("") => None,
                Token::Word(format) => Some(InsertHead {
                    statement,
                    data: data_start(text, end),
                    format: format.to_owned(),
                }),
                _ => {
                    self.active = false;
                    None
                }
            };
        }
        if ["SELECT", "WITH", "WATCH", "INFILE"]
            .iter()
            .any(|it| is(token, it))
        {
            self.active = false;
        } else if is(token, "VALUES") {
            return Some(InsertHead {
                statement: start,
                data: end,
                format: "Values".to_owned(),
            });
        } else if is(token, "FORMAT") {
            self.format_at = Some(start);
        }
        None
    }
}

/// ClickHouse begins the data after the first line break behind the format's name if only blanks are
/// between, else after the blanks.
fn data_start(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | 0x0c)) {
        at += 1;
    }
    if text.get(at) == Some(&b'\r') {
        at += 1;
    }
    if text.get(at) == Some(&b'\n') {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests;
