//! Bytes to fields: JSON lines and CSV, one line at a time, with bounded memory.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::defect::{Defect, Reason};
use crate::fields::{Fields, Spec};
use crate::input::ReadError;

/// The longest JSON line or CSV record, in bytes; the longest text Nova takes is far below.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// Receives each line's number and fields; says whether to go on.
pub(crate) type Each<'a> = &'a mut dyn FnMut(u64, Result<Fields, Reason>) -> ControlFlow<()>;

/// Counts what was read, for the progress bar.
pub(crate) struct Counting<R> {
    pub inner: R,
    pub done: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.done.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Reads JSON objects, one a line; blank lines are passed over.
pub(crate) fn read_jsonl(
    file: &str,
    reader: impl Read,
    spec: &Spec,
    each: Each<'_>,
) -> Result<(), ReadError> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let mut buffer = Vec::new();
    let mut number = 0;
    loop {
        buffer.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut buffer);
        if read.map_err(|source| ReadError::io(file, source))? == 0 {
            return Ok(());
        }
        number += 1;
        let too_long = buffer.len() > MAX_LINE_BYTES && buffer.last() != Some(&b'\n');
        if too_long {
            skip_line(&mut reader).map_err(|source| ReadError::io(file, source))?;
        }
        let text = buffer.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1);
        let text = text.unwrap_or(&buffer).trim_ascii();
        if text.is_empty() {
            continue;
        }
        let fields = if too_long {
            Err(Reason::new(
                Defect::Malformed,
                format!("longer than {MAX_LINE_BYTES} bytes"),
            ))
        } else {
            json_fields(text, spec)
        };
        if each(number, fields).is_break() {
            return Ok(());
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let end = chunk.iter().position(|b| *b == b'\n');
        let used = end.map_or(chunk.len(), |at| at + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn json_fields(text: &[u8], spec: &Spec) -> Result<Fields, Reason> {
    let malformed = |detail: String| Reason::new(Defect::Malformed, detail);
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| malformed(format!("not JSON at column {}", error.column())))?;
    let Value::Object(object) = value else {
        return Err(malformed("not a JSON object".to_owned()));
    };
    let mut fields = Fields::empty(spec);
    for (name, value) in object {
        let Some(position) = spec.position(&name) else {
            if spec.others_allowed {
                continue;
            }
            return Err(unknown_column(&name, spec));
        };
        match value {
            Value::Null => {}
            Value::String(text) => fields.set(position, text),
            // A source may number its keys.
            Value::Number(number) => fields.set(position, number.to_string()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                let column = spec.columns.get(position).copied().unwrap_or("?");
                return Err(Reason::about(
                    Defect::InvalidValue,
                    column,
                    "neither text nor a number",
                ));
            }
        }
    }
    Ok(fields)
}

fn unknown_column(name: &str, spec: &Spec) -> Reason {
    let name: String = name.chars().take(64).collect();
    Reason::new(
        Defect::UnknownColumn,
        format!("`{name}`; there are {}", spec.columns.join(", ")),
    )
}

/// How much the CSV reader asks for at once.
const CSV_BUFFER_BYTES: usize = 1 << 16;

/// Lets a CSV record be so long and no longer: behind a quote that is never closed the rest of the file would be one
/// value, held in memory and counted as one bad line.
struct OneRecord<R> {
    inner: R,
    /// Bytes that may be read before the next record has to end.
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for OneRecord<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}

/// Reads CSV with a header line. A header with unknown columns, or without the required ones, refuses the whole file:
/// it would make every line bad.
pub(crate) fn read_csv(
    file: &str,
    reader: impl Read,
    spec: &Spec,
    each: Each<'_>,
) -> Result<(), ReadError> {
    let left = Rc::new(Cell::new(MAX_LINE_BYTES));
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(CSV_BUFFER_BYTES)
        .from_reader(OneRecord {
            inner: reader,
            left: Rc::clone(&left),
        });
    let header = reader
        .headers()
        .map_err(|error| ReadError::header(file, error.to_string()))?;
    let mut positions = Vec::with_capacity(header.len());
    for name in header {
        let position = spec.position(name);
        if position.is_none() && !spec.others_allowed {
            return Err(ReadError::header(
                file,
                unknown_column(name, spec).to_string(),
            ));
        }
        if position.is_some() && positions.contains(&position) {
            return Err(ReadError::header(
                file,
                format!("column `{name}` stands there twice"),
            ));
        }
        positions.push(position);
    }
    let missing = |name: &&&str| !header.iter().any(|given| given == **name);
    if let Some(name) = spec.required.iter().find(missing) {
        return Err(ReadError::header(
            file,
            format!("column `{name}` is missing"),
        ));
    }
    let mut record = csv::StringRecord::new();
    loop {
        let number = reader.position().line();
        // What is in the buffer already is not read again: a record may be that much longer.
        left.set(MAX_LINE_BYTES);
        let fields = match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let mut fields = Fields::empty(spec);
                for (position, value) in positions.iter().zip(&record) {
                    if let Some(position) = position {
                        fields.set(*position, value.to_owned());
                    }
                }
                Ok(fields)
            }
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(source) if source.kind() == io::ErrorKind::FileTooLarge => {
                    return Err(ReadError::unclosed(file, number));
                }
                csv::ErrorKind::Io(source) => return Err(ReadError::io(file, source)),
                csv::ErrorKind::Utf8 { .. } => Err(Reason::new(Defect::Malformed, "not UTF-8")),
                csv::ErrorKind::UnequalLengths {
                    expected_len, len, ..
                } => Err(Reason::new(
                    Defect::Malformed,
                    format!("{len} values under {expected_len} columns"),
                )),
                other => Err(Reason::new(Defect::Malformed, format!("{other:?}"))),
            },
        };
        if each(number, fields).is_break() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec {
        columns: &["key", "body"],
        required: &["key"],
        others_allowed: false,
    };

    type Read = fn(&str, &[u8], &Spec, Each<'_>) -> Result<(), ReadError>;

    fn all(read: Read, bytes: &[u8]) -> Vec<(u64, Result<Option<String>, String>)> {
        let mut found = Vec::new();
        read("f", bytes, &SPEC, &mut |number, fields| {
            let told = fields.map(|f| f.optional("body").map(str::to_owned));
            found.push((number, told.map_err(|reason| reason.to_string())));
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    #[test]
    fn json_lines_are_numbered_and_refused_one_by_one() {
        let mut text = b"\xef\xbb\xbf{\"key\":1,\"body\":\"a\"}\r\n\n{\"key\":\"2\"\n[1]\n{\"key\":\"x\",\"colour\":1}\n\
            {\"key\":\"y\",\"body\":{}}\n\xff\n".to_vec();
        text.extend(b"\"".iter().chain(&vec![b'x'; 2 * MAX_LINE_BYTES]));
        text.extend(b"\n{\"key\":\"z\",\"body\":\"last\"}");
        insta::assert_debug_snapshot!(all(|f, b, s, e| read_jsonl(f, b, s, e), &text));
    }

    #[test]
    fn csv_rows_keep_the_line_they_begin_on() {
        let text = b"body,key\n\"two\nlines\",1\n,2\nx\n\"\xff\",4\nlast,5\n";
        insta::assert_debug_snapshot!(all(|f, b, s, e| read_csv(f, b, s, e), text));
    }

    #[test]
    fn a_quote_that_is_never_closed_refuses_the_file_from_its_line() {
        let mut text = b"key,body\n1,fine\n2,\"open\n".to_vec();
        for row in 3..200_000 {
            text.extend(format!("{row},more\n").bytes());
        }
        let mut seen = Vec::new();
        let error = read_csv("f.csv", text.as_slice(), &SPEC, &mut |number, fields| {
            seen.push((number, fields.is_ok()));
            ControlFlow::Continue(())
        })
        .unwrap_err();
        assert_eq!(seen, [(2, true)]);
        assert!(error.to_string().starts_with("f.csv:3: "), "{error}");
    }

    #[test]
    fn a_csv_header_is_checked_as_a_whole() {
        for (header, why) in [
            ("key,colour\n", "colour"),
            ("body\n", "`key` is missing"),
            ("key,key\n", "twice"),
        ] {
            let error = read_csv("f.csv", header.as_bytes(), &SPEC, &mut |_, _| {
                ControlFlow::Continue(())
            })
            .unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
