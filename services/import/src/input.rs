//! What can be read: a folder of one of three formats, as stages in the order of their dependencies.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::cofacts::{self, Cofacts};
use crate::row::{Kind, Line};
use crate::tables::Tables;

/// The format of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `users.jsonl`, `posts.jsonl`, …: one JSON object a line. Each file is optional. Of every post whose key is not a
    /// UUID about 40 bytes are kept, because a like names the post's key and the id needs the post's time.
    Jsonl,
    /// The same as `.csv` with a header line.
    Csv,
    /// The open data of a fact-checking community: four zipped CSV files.
    Cofacts,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Jsonl, Self::Csv, Self::Cofacts];

    /// The word used on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Cofacts => "cofacts",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| format!("must be jsonl, csv or cofacts, not `{text}`"))
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The format of a folder by the files it holds; none when it holds none that Nova reads.
#[must_use]
pub fn detect_format(folder: &Path) -> Option<Format> {
    if folder.join(cofacts::POSTS_FILE).is_file() {
        return Some(Format::Cofacts);
    }
    [Format::Jsonl, Format::Csv].into_iter().find(|format| {
        Kind::ALL
            .iter()
            .any(|kind| folder.join(format!("{}.{format}", kind.as_str())).is_file())
    })
}

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is not there, or reading it failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The first line of a CSV file does not name the right columns.
    #[error("{}:1: {detail}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A CSV record that does not end: most likely a quote is missing or too many.
    #[error(
        "{}:{line}: the record that begins here does not end within {} bytes; is a quote not closed?",
        path.display(), crate::lines::MAX_LINE_BYTES
    )]
    Unclosed {
        /// The file.
        path: PathBuf,
        /// Where the record begins.
        line: u64,
    },
    /// A zip file that is broken, or holds something else.
    #[error("{}: {detail}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The folder holds no file of the format.
    #[error("{}: no {format} file that can be imported", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
        /// The format looked for.
        format: Format,
    },
}

impl ReadError {
    pub(crate) fn io(path: impl AsRef<Path>, source: io::Error) -> Self {
        let path = path.as_ref().to_owned();
        Self::Io { path, source }
    }

    pub(crate) fn unclosed(path: impl AsRef<Path>, line: u64) -> Self {
        let path = path.as_ref().to_owned();
        Self::Unclosed { path, line }
    }

    pub(crate) fn header(path: impl AsRef<Path>, detail: String) -> Self {
        let path = path.as_ref().to_owned();
        Self::Header { path, detail }
    }
}

/// One pass over one or more files that gives rows of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    pub kind: Kind,
    /// What the progress bar says.
    pub label: String,
    /// Bytes to read, as far as known.
    pub bytes: u64,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Table(PathBuf),
    Cofacts(cofacts::Part),
}

/// Receives each line; says whether to go on.
pub(crate) type EachLine<'a> = &'a mut dyn FnMut(Line) -> ControlFlow<()>;

/// A folder that was opened. Reading a stage again gives the same lines.
#[derive(Debug)]
pub(crate) enum Input {
    Tables(Tables),
    Cofacts(Cofacts),
}

impl Input {
    pub(crate) fn stages(&self) -> &[Stage] {
        match self {
            Self::Tables(tables) => tables.stages(),
            Self::Cofacts(cofacts) => cofacts.stages(),
        }
    }

    /// Reads one stage; `done` counts bytes.
    pub(crate) fn read(
        &self,
        stage: &Stage,
        done: &Arc<AtomicU64>,
        each: EachLine<'_>,
    ) -> Result<(), ReadError> {
        match (self, &stage.what) {
            (Self::Tables(tables), What::Table(path)) => tables.read(stage.kind, path, done, each),
            (Self::Cofacts(cofacts), What::Cofacts(part)) => cofacts.read(*part, done, each),
            // Stages are only ever taken from the same input.
            _ => Ok(()),
        }
    }
}

pub(crate) fn open(path: &Path) -> Result<(File, u64), ReadError> {
    let file = File::open(path).map_err(|source| ReadError::io(path, source))?;
    let size = file.metadata().map(|m| m.len()).unwrap_or_default();
    Ok((file, size))
}
