//! The Lua scripts, each in its own file, and their digests.

use std::sync::LazyLock;

/// A script that Redis runs at once, so that what it compares and what it writes belong together.
pub(crate) struct Script {
    pub(crate) code: &'static str,
    digest: LazyLock<String>,
}

macro_rules! scripts {
    ($($name:ident = $file:literal),+ $(,)?) => {
        $(pub(crate) static $name: Script = Script {
            code: include_str!(concat!("scripts/", $file, ".lua")),
            digest: LazyLock::new(|| digest(include_str!(concat!("scripts/", $file, ".lua")))),
        };)+

        /// Every script: loaded into each new connection's server.
        pub(crate) static ALL: &[&Script] = &[$(&$name),+];
    };
}

scripts! {
    NEWER_FIELDS = "newer_fields",
    OVERLAY = "overlay",
    VIEWER_RANKED = "viewer_ranked",
    VIEWER_WALK = "viewer_walk",
    VIEWER_POSITION = "viewer_position",
    VIEWER_STALE = "viewer_stale",
    SET_GREATER = "set_greater",
    RELEASE = "release",
    RENEW = "renew",
    ACQUIRE_JOB = "acquire_job",
    SET_FENCED = "set_fenced",
}

impl Script {
    /// What `EVALSHA` names it by.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }
}

fn digest(code: &str) -> String {
    redis::Script::new(code).get_hash().to_owned()
}

/// One `SCRIPT LOAD` per script. Loading one again changes nothing.
pub(crate) fn load_all() -> redis::Pipeline {
    let mut load = redis::Pipeline::with_capacity(ALL.len());
    for script in ALL {
        load.cmd("SCRIPT").arg("LOAD").arg(script.code);
    }
    load
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_says_what_it_does_first() {
        for script in ALL {
            assert!(script.code.starts_with("-- "), "{}", script.code);
            assert!(script.code.contains("KEYS[1]") && script.code.contains("Cost: O("));
            assert_eq!(script.digest().len(), 40);
        }
    }
}
