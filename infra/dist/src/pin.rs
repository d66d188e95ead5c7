//! Writes the SHA-256 lists anew after a version was changed in a manifest.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cache::Cache;
use crate::checksum::Sums;
use crate::component::{Client, Component};
use crate::ensure::{check_platform, clear};
use crate::error::DistError;
use crate::fetch::Fetch;
use crate::progress::{Event, Progress};

/// Downloads every Maven component into an empty directory and writes its `SHA256SUMS` below `packages`;
/// returns the files written.
///
/// This trusts what is delivered now: look at the difference before committing it.
/// npm and pip need no such step, their own manifests carry the hashes.
///
/// # Errors
///
/// Those of a fetch, see [`DistError`].
pub fn pin(
    cache: &Cache,
    packages: &Path,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, DistError> {
    check_platform()?;
    cache.create()?;
    let _lock = cache.lock(|| ())?;
    let work = cache.root().join("pinning");
    clear(&work)?;
    let mut written = Vec::new();
    for component in Component::ALL
        .into_iter()
        .filter(|component| component.client() == Client::Maven)
    {
        let scratch = work.join(component.name());
        fs::create_dir_all(&scratch).map_err(DistError::io("create", &scratch))?;
        let tell = |event: Event| progress.report(component, event);
        let fetch = Fetch {
            component,
            downloads: &work,
            scratch: &scratch,
            stage: &scratch,
            tell: &tell,
        };
        let (delivered, _) = fetch.maven()?;
        let list = packages.join(component.name()).join("SHA256SUMS");
        fs::write(&list, Sums::of_tree(&delivered)?.to_text())
            .map_err(DistError::io("write", &list))?;
        written.push(list);
    }
    clear(&work)?;
    Ok(written)
}
