//! Splits a file of SQL into statements, as `clickhouse-client --multiquery` does.

/// One statement of a file, without its closing semicolon and without comments around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Statement<'a> {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) text: &'a str,
}

/// The statements of `sql`. Semicolons inside `'…'`, `"…"`, `` `…` `` and comments do not end a statement.
pub(crate) fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    let bytes = sql.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => at = end_of_quoted(bytes, at, quote),
            b'-' if bytes[at..].starts_with(b"--") => at = end_of_line(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => at = end_of_comment(bytes, at),
            b';' => {
                push(&mut found, &sql[start..at]);
                at += 1;
                start = at;
            }
            _ => at += 1,
        }
    }
    push(&mut found, &sql[start..]);
    found
}

fn push<'a>(found: &mut Vec<Statement<'a>>, text: &'a str) {
    let text = without_leading_comments(text).trim_end();
    if !text.is_empty() {
        found.push(Statement {
            number: found.len() + 1,
            text,
        });
    }
}

fn without_leading_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        if rest.starts_with("--") {
            rest = rest[end_of_line(rest.as_bytes(), 0)..].trim_start();
        } else if rest.starts_with("/*") {
            rest = rest[end_of_comment(rest.as_bytes(), 0)..].trim_start();
        } else {
            return rest;
        }
    }
}

fn end_of_quoted(bytes: &[u8], opening: usize, quote: u8) -> usize {
    let mut at = opening + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|b| *b == b'\n')
        .map_or(bytes.len(), |n| from + n + 1)
}

fn end_of_comment(bytes: &[u8], from: usize) -> usize {
    bytes[from + 2..]
        .windows(2)
        .position(|w| w == b"*/")
        .map_or(bytes.len(), |n| from + 2 + n + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql).into_iter().map(|s| s.text).collect()
    }

    #[test]
    fn a_semicolon_ends_a_statement_only_where_it_stands_by_itself() {
        let sql = "-- first; really\nSELECT ';', \"a;b\", `c;d`, 'it\\'s;' /* e;f */;\n\n/* g; */ -- h;\nSELECT 2 -- i;\n;;\n";
        assert_eq!(
            texts(sql),
            [
                "SELECT ';', \"a;b\", `c;d`, 'it\\'s;' /* e;f */",
                "SELECT 2 -- i;"
            ]
        );
    }

    #[test]
    fn the_last_statement_needs_no_semicolon() {
        assert_eq!(texts("SELECT 1;\nSELECT 2"), ["SELECT 1", "SELECT 2"]);
        assert_eq!(texts("-- nothing\n"), Vec::<&str>::new());
        assert_eq!(texts("SELECT 'open;"), ["SELECT 'open;"]);
    }
}
