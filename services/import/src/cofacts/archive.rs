//! A CSV file in a zip file of its own.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use zip::ZipArchive;

use crate::input::{ReadError, open};
use crate::lines::Counting;

/// Hands over the unpacked CSV and its size in bytes.
pub(crate) fn with_csv<T>(
    path: &Path,
    done: &Arc<AtomicU64>,
    read: impl FnOnce(&mut dyn Read, u64) -> Result<T, ReadError>,
) -> Result<T, ReadError> {
    let broken = |detail: String| ReadError::Archive {
        path: path.to_owned(),
        detail,
    };
    let (file, _) = open(path)?;
    let mut archive =
        ZipArchive::new(BufReader::new(file)).map_err(|error| broken(error.to_string()))?;
    let is_csv = |name: &str| name.ends_with(".csv") && !name.starts_with("__MACOSX");
    let name = archive
        .file_names()
        .find(|name| is_csv(name))
        .map(str::to_owned)
        .ok_or_else(|| broken("holds no CSV file".to_owned()))?;
    let inner = archive
        .by_name(&name)
        .map_err(|error| broken(error.to_string()))?;
    let bytes = inner.size();
    let done = Arc::clone(done);
    read(&mut Counting { inner, done }, bytes)
}
