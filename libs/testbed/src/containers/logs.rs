//! A container's log as a file of the run, like that of a process.

use std::{path::Path, time::Duration};

use futures::StreamExt as _;
use testcontainers_modules::testcontainers::bollard::{
    Docker, query_parameters::LogsOptionsBuilder,
};
use tokio::{fs::File, io::AsyncWriteExt as _, time::timeout};

/// Copies everything the container has said so far into the file, from the beginning. Never fails: it is read
/// to explain another failure.
pub(super) async fn save(docker: &Docker, container: &str, file: &Path) {
    let copied = timeout(
        Duration::from_secs(10),
        copy(docker, container, file, false),
    )
    .await;
    if !matches!(copied, Ok(Ok(()))) {
        tracing::debug!(container, "its log could not be read");
    }
}

/// Goes on copying until the container ends.
pub(super) async fn follow(docker: &Docker, container: &str, file: &Path) {
    if let Err(error) = copy(docker, container, file, true).await {
        tracing::debug!(container, %error, "its log could not be written");
    }
}

async fn copy(docker: &Docker, container: &str, file: &Path, follow: bool) -> std::io::Result<()> {
    let options = LogsOptionsBuilder::new()
        .follow(follow)
        .stdout(true)
        .stderr(true)
        .build();
    let mut file = File::create(file).await?;
    let mut lines = docker.logs(container, Some(options));
    while let Some(line) = lines.next().await {
        let line = line.map_err(std::io::Error::other)?;
        file.write_all(&line.into_bytes()).await?;
        file.flush().await?;
    }
    Ok(())
}
