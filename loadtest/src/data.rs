//! How data gets into a stack, and when it has arrived everywhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nova_simulate::bulk::Scale;
use nova_testbed::poll_for;
use tokio::process::Command;

use crate::people::People;
use crate::target::Target;

/// For everything that PostgreSQL has to be in ClickHouse.
const ARRIVES: Duration = Duration::from_secs(600);
/// For the projector to have carried it to Redis: it recounts each post, and works off a load through the stream behind it.
const CARRIED: Duration = Duration::from_secs(1_800);
/// What the API says of the change stream on its admin port: 1 while changes are further behind than they may be.
const LATE: &str = "nova_feed_pipeline_late";
/// Records the projector has taken and not finished: so few are the writes of a running stack.
const PENDING: &str = "nova_projector_pending_records";
const FEW_PENDING: f64 = 1_000.0;
/// Between two looks: counting reads whole tables.
const LOOK: Duration = Duration::from_secs(1);

/// Which population: seven days of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// How much.
    pub scale: Scale,
    /// Beside the change stream, whatever the scale: what a smoke run has time for.
    pub beside: bool,
}

impl From<Scale> for Population {
    /// The way that scale takes by itself.
    fn from(scale: Scale) -> Self {
        Self {
            scale,
            beside: false,
        }
    }
}

/// Loads a population and waits until ClickHouse has it. The one way by which data gets in.
///
/// # Errors
/// When `nova` is not built, or fails, or the data does not arrive.
pub async fn load(target: &Target, population: Population, seed: u64) -> anyhow::Result<People> {
    let nova = nova_binary()?;
    let seed = seed.to_string();
    let scale = population.scale.to_string();
    let mut command = Command::new(&nova);
    command.args(["simulate", "--scale", &scale, "--seed", &seed]);
    if population.beside {
        command.arg("--beside");
    }
    let status = command
        .envs(target.environment())
        .kill_on_drop(true)
        .stdout(std::io::stderr())
        .status()
        .await
        .with_context(|| format!("running {}", nova.display()))?;
    if !status.success() {
        bail!("nova simulate --scale {scale}: {status}");
    }
    arrived(target).await
}

/// Reads the population and waits until ClickHouse has all of its posts and likes, and the projector is done with them:
/// what is measured before is the projector's backlog.
///
/// # Errors
/// When there is none, or it does not arrive; the error says what is missing.
pub async fn arrived(target: &Target) -> anyhow::Result<People> {
    let people = People::find(&target.endpoints().postgres).await?;
    let http = reqwest::Client::new();
    let clickhouse = target.endpoints().clickhouse.as_str();
    let expected = (people.all_posts, people.all_likes);
    poll_for(ARRIVES, LOOK, || async {
        let posts = "SELECT count() FROM posts_cdc FINAL WHERE deleted_at IS NULL";
        let likes = "SELECT count() FROM likes_cdc FINAL";
        let found = (
            number(&http, clickhouse, posts).await?,
            number(&http, clickhouse, likes).await?,
        );
        // More is fine: a stack that runs is written to.
        if found.0 >= expected.0 && found.1 >= expected.1 {
            Ok(())
        } else {
            Err(format!(
                "ClickHouse has {} of {} posts and {} of {} likes",
                found.0, expected.0, found.1, expected.1
            ))
        }
    })
    .await
    .map_err(|late| anyhow::anyhow!("{late}"))?;
    let metrics = format!("{}/metrics", target.endpoints().admin);
    poll_for(CARRIED, LOOK, || async {
        let response = http.get(&metrics).send().await;
        let response = response.and_then(reqwest::Response::error_for_status);
        let text = response.map_err(|error| error.to_string())?.text().await;
        let text = text.map_err(|error| error.to_string())?;
        let (late, pending) = (gauge(&text, LATE), gauge(&text, PENDING));
        if late == Some(0.0) && pending.is_some_and(|pending| pending <= FEW_PENDING) {
            Ok(())
        } else {
            Err(format!(
                "the projector is behind: {LATE} is {late:?}, {PENDING} is {pending:?}"
            ))
        }
    })
    .await
    .map_err(|late| anyhow::anyhow!("{late}"))?;
    Ok(people)
}

/// The value of a gauge without labels.
fn gauge(metrics: &str, name: &str) -> Option<f64> {
    let line = metrics
        .lines()
        .find(|line| line.split_whitespace().next() == Some(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

async fn number(http: &reqwest::Client, clickhouse: &str, query: &str) -> Result<u64, String> {
    let answer = http.post(clickhouse).body(query.to_owned()).send().await;
    // Its address holds a password.
    let response = answer
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| error.without_url().to_string())?;
    let text = response.text().await.map_err(|error| error.to_string())?;
    text.trim()
        .parse()
        .map_err(|_| format!("ClickHouse answered {text}"))
}

/// Where `NOVA_BIN` says, else beside this program.
fn nova_binary() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("NOVA_BIN") {
        return Ok(PathBuf::from(path));
    }
    let own = std::env::current_exe().context("finding this program")?;
    let nova = own.parent().map(|folder: &Path| folder.join("nova"));
    nova.filter(|nova| nova.is_file())
        .context("nova is not built beside this program: `just load` builds it; NOVA_BIN says where else it is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_read_by_their_whole_name() {
        let metrics = "# TYPE late gauge\nlate_total 7\nlate 1\npending 1.5e3\n";
        assert_eq!(gauge(metrics, "late"), Some(1.0));
        assert_eq!(gauge(metrics, "pending"), Some(1_500.0));
        assert_eq!(gauge(metrics, "lat"), None);
    }
}
