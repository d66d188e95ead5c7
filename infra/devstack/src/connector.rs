//! The state of the pipeline's connector, as Connect tells it.

use std::time::Duration;

use serde::Deserialize;

/// The connector's name, one of the names operators rely on.
const NAME: &str = "nova-postgres-cdc";

#[derive(Debug, Deserialize)]
struct Status {
    connector: Part,
    #[serde(default)]
    tasks: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    state: String,
    trace: Option<String>,
}

/// In words, whatever Connect answers; a status is no place for errors.
pub(crate) async fn state(connect: &str) -> String {
    match ask(connect).await {
        Ok(Some(status)) => describe(&status),
        Ok(None) => format!("{NAME}: not deployed"),
        Err(error) => format!("{NAME}: unknown, {error}"),
    }
}

async fn ask(connect: &str) -> reqwest::Result<Option<Status>> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()?;
    let answer = client
        .get(format!("{connect}/connectors/{NAME}/status"))
        .send()
        .await?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    answer.error_for_status()?.json().await.map(Some)
}

fn describe(status: &Status) -> String {
    let tasks: Vec<&str> = status
        .tasks
        .iter()
        .map(|task| task.state.as_str())
        .collect();
    let tasks = if tasks.is_empty() {
        "none".to_owned()
    } else {
        tasks.join(", ")
    };
    let mut text = format!(
        "{NAME}: connector {}, tasks {tasks}",
        status.connector.state
    );
    let parts = std::iter::once(&status.connector).chain(&status.tasks);
    for trace in parts.filter_map(|part| part.trace.as_deref()) {
        // The rest is a Java stack trace.
        text.push_str("\n  ");
        text.push_str(trace.lines().next().unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_task_shows_the_first_line_of_its_trace() {
        let status: Status = serde_json::from_str(
            r#"{"name":"nova-postgres-cdc","connector":{"state":"RUNNING","worker_id":"w"},
                "tasks":[{"id":0,"state":"FAILED","worker_id":"w","trace":"no slot\n\tat io.debezium"}]}"#,
        )
        .unwrap();
        assert_eq!(
            describe(&status),
            "nova-postgres-cdc: connector RUNNING, tasks FAILED\n  no slot"
        );
    }
}
