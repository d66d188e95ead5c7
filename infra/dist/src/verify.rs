//! Compares installed files with the hashes taken when they were installed.

use std::fs;

use crate::cache::Cache;
use crate::checksum::Sums;
use crate::component::Component;
use crate::ensure::FILE_LIST;
use crate::error::DistError;

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The component.
    pub component: Component,
    /// How many of its files were as they should be (all of them).
    pub files: usize,
}

/// Reads every file of a component again.
///
/// # Errors
///
/// [`DistError::NotInstalled`], or the first file that was changed, added or removed.
pub fn verify(cache: &Cache, component: Component) -> Result<Verified, DistError> {
    if !cache.holds(component)? {
        return Err(DistError::NotInstalled(component.label()));
    }
    let directory = cache.directory(component)?;
    let list = directory.join(FILE_LIST);
    let text = fs::read_to_string(&list).map_err(DistError::io("read", &list))?;
    let expected = Sums::parse(component.name(), &text)?;
    let mut found = Sums::of_tree(&directory)?;
    found.remove(FILE_LIST);
    expected.expect(&component.label(), &found)?;
    Ok(Verified {
        component,
        files: expected.names().count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_found() {
        let temp = tempfile::tempdir().unwrap();
        let cache = Cache::at(temp.path());
        assert!(matches!(
            verify(&cache, Component::Valkey),
            Err(DistError::NotInstalled(_))
        ));

        let directory = cache.directory(Component::Valkey).unwrap();
        let server = directory.join("bin/valkey-server");
        fs::create_dir_all(directory.join("bin")).unwrap();
        fs::write(&server, "good").unwrap();
        fs::write(
            directory.join(FILE_LIST),
            Sums::of_tree(&directory).unwrap().to_text(),
        )
        .unwrap();
        assert_eq!(verify(&cache, Component::Valkey).unwrap().files, 1);

        fs::write(&server, "evil").unwrap();
        assert!(matches!(
            verify(&cache, Component::Valkey),
            Err(DistError::Checksum { .. })
        ));
    }
}
