//! The documented formats: a folder with one file per kind, JSON lines or CSV.

mod columns;
mod parse;
mod posts;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use crate::defect::Reason;
use crate::fields::Fields;
use crate::input::{EachLine, Format, ReadError, Stage, What, open};
use crate::key::Keys;
use crate::lines::{Counting, read_csv, read_jsonl};
use crate::row::{Kind, Line, Parsed, Row};
use posts::PostTimes;

/// A folder of `users.jsonl`, `follows.jsonl`, … (or `.csv`).
#[derive(Debug)]
pub(crate) struct Tables {
    format: Format,
    keys: Keys,
    stages: Vec<Stage>,
    post_times: Mutex<PostTimes>,
}

impl Tables {
    pub(crate) fn open(folder: &Path, format: Format, keys: Keys) -> Result<Self, ReadError> {
        let mut stages = Vec::new();
        for kind in Kind::ALL {
            let name = format!("{}.{format}", kind.as_str());
            let path = folder.join(&name);
            if path.is_file() {
                stages.push(Stage {
                    kind,
                    label: name,
                    bytes: open(&path)?.1,
                    what: What::Table(path),
                });
            }
        }
        if stages.is_empty() {
            let path = folder.to_owned();
            return Err(ReadError::Nothing { path, format });
        }
        Ok(Self {
            format,
            keys,
            stages,
            post_times: Mutex::default(),
        })
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    pub(crate) fn read(
        &self,
        kind: Kind,
        path: &Path,
        done: &Arc<AtomicU64>,
        each: EachLine<'_>,
    ) -> Result<(), ReadError> {
        let (inner, _) = open(path)?;
        let done = Arc::clone(done);
        let reader = Counting { inner, done };
        let spec = columns::of(kind);
        let name = path.display().to_string();
        let file: Arc<str> = path
            .file_name()
            .map_or(name.as_str().into(), |n| n.to_string_lossy().into());
        let mut line = |number: u64, fields: Result<Fields, Reason>| {
            each(Line {
                file: Arc::clone(&file),
                number,
                parsed: Parsed::from(fields.and_then(|fields| self.row(kind, &fields))),
            })
        };
        match self.format {
            Format::Jsonl => read_jsonl(&name, reader, spec, &mut line),
            Format::Csv | Format::Cofacts => read_csv(&name, reader, spec, &mut line),
        }
    }

    fn row(&self, kind: Kind, fields: &Fields) -> Result<Row, Reason> {
        // A panic elsewhere leaves the map usable: every entry is complete.
        let mut times = self
            .post_times
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        parse::row(kind, fields, &self.keys, &mut times)
    }
}
