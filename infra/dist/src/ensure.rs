//! Fetches what is missing, package managers side by side, and moves each complete component to its place.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Instant;

use crate::cache::Cache;
use crate::checksum::Sums;
use crate::component::{Client, Component};
use crate::error::DistError;
use crate::fetch::Fetch;
use crate::installation::Installation;
use crate::java;
use crate::process::size_of;
use crate::progress::{Event, Progress};
use crate::unpack::open_to_all;

/// Hashes of an installed component's own files, written when they were known to be right.
pub(crate) const FILE_LIST: &str = "FILES.sha256";

/// Makes sure that every pinned package is installed, and says where.
///
/// Blocks; with everything present for a few milliseconds and without the network. Any number of processes
/// may call it at once: one fetches, the others wait for it. An interrupted or failed fetch leaves nothing that counts.
///
/// # Errors
///
/// Which package could not be had, by which command, and what that said; see [`DistError`].
pub fn ensure(cache: &Cache, progress: &dyn Progress) -> Result<Installation, DistError> {
    ensure_with(cache, progress, &|fetch| fetch.run())
}

/// The paths of what is installed, without fetching anything.
///
/// # Errors
///
/// [`DistError::NotInstalled`] for the first component that is missing.
pub fn installed(cache: &Cache) -> Result<Installation, DistError> {
    match missing(cache)?.first() {
        None => Installation::locate(cache),
        Some(component) => Err(DistError::NotInstalled(component.label())),
    }
}

type Fetcher<'a> = &'a (dyn Fn(&Fetch<'_>) -> Result<u64, DistError> + Sync);

fn ensure_with(
    cache: &Cache,
    progress: &dyn Progress,
    fetcher: Fetcher<'_>,
) -> Result<Installation, DistError> {
    check_platform()?;
    // Maven needs it as well: better said before the download than after.
    java::find()?;
    if !missing(cache)?.is_empty() {
        cache.create()?;
        let _lock = cache.lock(|| {
            for component in missing(cache).unwrap_or_default() {
                progress.report(component, Event::Waiting);
            }
        })?;
        // Whoever held the lock before may have brought some or all of it.
        let missing = missing(cache)?;
        if !missing.is_empty() {
            // Nobody else is at work, so what lies here was left by a process that was killed.
            clear(&cache.staging())?;
            fetch_all(cache, &missing, progress, fetcher)?;
            clear(&cache.staging())?;
            clear(&cache.downloads())?;
        }
    }
    installed(cache)
}

/// The pinned binaries are for one platform.
pub(crate) fn check_platform() -> Result<(), DistError> {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        Ok(())
    } else {
        Err(DistError::Platform {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
        })
    }
}

fn missing(cache: &Cache) -> Result<Vec<Component>, DistError> {
    let mut missing = Vec::new();
    for component in Component::ALL {
        if !cache.holds(component)? {
            missing.push(component);
        }
    }
    Ok(missing)
}

/// One thread per package manager. Maven's components follow one another: its local repository takes one writer.
fn fetch_all(
    cache: &Cache,
    missing: &[Component],
    progress: &dyn Progress,
    fetcher: Fetcher<'_>,
) -> Result<(), DistError> {
    let errors: Vec<DistError> = thread::scope(|scope| {
        let lanes = [Client::Maven, Client::Npm, Client::Pip].map(|client| {
            scope.spawn(move || {
                // What stopped the first (a missing client, no network) stops the others of its lane too.
                missing
                    .iter()
                    .filter(|component| component.client() == client)
                    .try_for_each(|&component| {
                        install(cache, component, progress, fetcher)
                            .inspect_err(|_| progress.report(component, Event::Failed))
                    })
                    .err()
            })
        });
        lanes
            .into_iter()
            .flat_map(|lane| {
                lane.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    match errors.len() {
        0 => Ok(()),
        1 => errors.into_iter().next().map_or(Ok(()), Err),
        _ => Err(DistError::Several(errors)),
    }
}

fn install(
    cache: &Cache,
    component: Component,
    progress: &dyn Progress,
    fetcher: Fetcher<'_>,
) -> Result<(), DistError> {
    let start = Instant::now();
    let scratch = cache.staging().join(format!("{component}.scratch"));
    let stage = cache.staging().join(component.name());
    let downloaded = fetcher(&Fetch {
        component,
        downloads: &cache.downloads(),
        scratch: &scratch,
        stage: &stage,
        tell: &|event| progress.report(component, event),
    })?;
    let list = stage.join(FILE_LIST);
    fs::write(&list, Sums::of_tree(&stage)?.to_text()).map_err(DistError::io("write", &list))?;
    open_to_all(&stage)?;
    let place = cache.directory(component)?;
    // Only a directory from which someone removed files can be there: a complete one is not fetched.
    clear(&place)?;
    fs::rename(&stage, &place).map_err(DistError::io("move into place", &stage))?;
    clear(&scratch)?;
    progress.report(
        component,
        Event::Ready {
            downloaded,
            installed: size_of(&place),
            elapsed: start.elapsed(),
        },
    );
    Ok(())
}

pub(crate) fn clear(directory: &Path) -> Result<(), DistError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
    .map_err(DistError::io("remove", directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Puts the essential files where a real fetch would.
    fn pretend(fetch: &Fetch<'_>) -> Result<u64, DistError> {
        for file in fetch.component.essential() {
            let path = fetch.stage.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        Ok(1)
    }

    fn refuse(fetch: &Fetch<'_>) -> Result<u64, DistError> {
        Err(DistError::NotInstalled(fetch.component.name().to_owned()))
    }

    fn cache(directory: &tempfile::TempDir) -> Cache {
        Cache::at(directory.path().join("nova"))
    }

    #[test]
    fn two_at_once_fetch_each_component_once() {
        let directory = tempfile::tempdir().unwrap();
        let cache = cache(&directory);
        let fetched = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let count = |fetch: &Fetch<'_>| {
                        fetched.fetch_add(1, Ordering::SeqCst);
                        pretend(fetch)
                    };
                    ensure_with(&cache, &Silent, &count).unwrap();
                });
            }
        });
        assert_eq!(fetched.load(Ordering::SeqCst), Component::ALL.len());
        ensure_with(&cache, &Silent, &refuse).unwrap();
        assert!(!cache.staging().exists() && !cache.downloads().exists());
    }

    #[test]
    fn a_failed_component_leaves_the_others_and_nothing_of_itself() {
        let directory = tempfile::tempdir().unwrap();
        let cache = cache(&directory);
        let but_kafka = |fetch: &Fetch<'_>| {
            pretend(fetch)?;
            if fetch.component == Component::Kafka {
                refuse(fetch)
            } else {
                Ok(1)
            }
        };
        let error = ensure_with(&cache, &Silent, &but_kafka).unwrap_err();
        assert!(matches!(error, DistError::NotInstalled(name) if name == "kafka"));
        // Debezium comes after Kafka from the same package manager.
        assert_eq!(
            missing(&cache).unwrap(),
            [Component::Kafka, Component::Debezium]
        );
        assert!(!cache.directory(Component::Kafka).unwrap().exists());
        assert!(matches!(installed(&cache), Err(DistError::NotInstalled(_))));
    }

    #[test]
    fn the_failures_of_all_package_managers_are_told_together() {
        let directory = tempfile::tempdir().unwrap();
        let error = ensure_with(&cache(&directory), &Silent, &refuse).unwrap_err();
        assert!(matches!(error, DistError::Several(errors) if errors.len() == 3));
    }

    #[test]
    fn leftovers_of_a_killed_process_do_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let cache = cache(&directory);
        let half = cache.staging().join("postgres/bin");
        fs::create_dir_all(&half).unwrap();
        fs::write(half.join("stale"), "x").unwrap();
        ensure_with(&cache, &Silent, &pretend).unwrap();
        assert!(
            !cache
                .directory(Component::Postgres)
                .unwrap()
                .join("bin/stale")
                .exists()
        );
    }

    #[test]
    fn a_damaged_component_is_fetched_again() {
        let directory = tempfile::tempdir().unwrap();
        let cache = cache(&directory);
        let paths = ensure_with(&cache, &Silent, &pretend).unwrap();
        fs::remove_file(&paths.libchdb).unwrap();
        assert_eq!(missing(&cache).unwrap(), [Component::ClickHouse]);
        ensure_with(&cache, &Silent, &pretend).unwrap();
        assert!(paths.libchdb.exists());
    }
}
