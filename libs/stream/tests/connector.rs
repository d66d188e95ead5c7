//! The connector client against a worker that answers as Kafka Connect does.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a panic is the failure to report"
)]

use std::time::Duration;

use nova_stream::connector::{ConnectClient, ConnectorError, DEFINITION, Definition};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const NAME: &str = "nova-postgres-cdc";
const LIMIT: Duration = Duration::from_secs(10);

fn definition() -> Definition {
    Definition::parse(DEFINITION).unwrap()
}

fn client(server: &MockServer) -> ConnectClient {
    ConnectClient::new(server.uri().parse().unwrap()).unwrap()
}

fn status(connector: &str, tasks: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "name": NAME,
        "connector": {"state": connector, "worker_id": "127.0.0.1:8083"},
        "tasks": tasks,
        "type": "source",
    }))
}

fn running() -> ResponseTemplate {
    status(
        "RUNNING",
        &json!([{"id": 0, "state": "RUNNING", "worker_id": "127.0.0.1:8083"}]),
    )
}

async fn mount_put(server: &MockServer, answer: ResponseTemplate, times: u64) {
    Mock::given(method("PUT"))
        .and(path(format!("/connectors/{NAME}/config")))
        .and(body_json(definition().config))
        .respond_with(answer)
        .up_to_n_times(times)
        .expect(times)
        .mount(server)
        .await;
}

async fn mount_status(server: &MockServer, answer: ResponseTemplate, times: u64) {
    Mock::given(method("GET"))
        .and(path(format!("/connectors/{NAME}/status")))
        .respond_with(answer)
        .up_to_n_times(times)
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_new_connector_is_put_and_waited_for() {
    let server = MockServer::start().await;
    mount_put(
        &server,
        ResponseTemplate::new(201).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    mount_status(
        &server,
        ResponseTemplate::new(404)
            .set_body_json(json!({"error_code": 404, "message": "No status"})),
        1,
    )
    .await;
    mount_status(&server, status("RUNNING", &json!([])), 1).await;
    mount_status(&server, running(), 1).await;

    let applied = client(&server).apply(&definition(), LIMIT).await.unwrap();
    assert!(applied.created);
    assert_eq!(applied.restarts, 0);
    assert_eq!(
        applied.status.to_string(),
        "connector nova-postgres-cdc: RUNNING, task 0: RUNNING"
    );
}

#[tokio::test]
async fn a_rebalance_is_waited_out_and_an_existing_connector_is_updated() {
    let server = MockServer::start().await;
    let conflict = json!({"error_code": 409, "message": "Cannot complete request momentarily due to stale configuration"});
    mount_put(
        &server,
        ResponseTemplate::new(409).set_body_json(conflict),
        2,
    )
    .await;
    mount_put(
        &server,
        ResponseTemplate::new(200).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    mount_status(&server, running(), 1).await;

    let applied = client(&server).apply(&definition(), LIMIT).await.unwrap();
    assert!(!applied.created);
}

#[tokio::test]
async fn a_failed_task_is_restarted() {
    let server = MockServer::start().await;
    mount_put(
        &server,
        ResponseTemplate::new(200).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    let failed = json!([{"id": 0, "state": "FAILED", "worker_id": "w", "trace": "java.net.ConnectException: refused"}]);
    mount_status(&server, status("RUNNING", &failed), 1).await;
    mount_status(&server, running(), 1).await;
    Mock::given(method("POST"))
        .and(path(format!("/connectors/{NAME}/restart")))
        .and(query_param("includeTasks", "true"))
        .and(query_param("onlyFailed", "true"))
        .respond_with(ResponseTemplate::new(202))
        .expect(1)
        .mount(&server)
        .await;

    let applied = client(&server).apply(&definition(), LIMIT).await.unwrap();
    assert_eq!(applied.restarts, 1);
}

#[tokio::test]
async fn a_task_that_stays_failed_is_reported_with_its_trace() {
    let server = MockServer::start().await;
    mount_put(
        &server,
        ResponseTemplate::new(200).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    let failed = json!([{"id": 0, "state": "FAILED", "worker_id": "w", "trace": "java.net.ConnectException: refused\n"}]);
    mount_status(&server, status("RUNNING", &failed), u64::MAX).await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(202))
        .mount(&server)
        .await;

    let error = client(&server)
        .apply(&definition(), Duration::from_millis(400))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectorError::NotRunning { .. }),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(
        text.contains("task 0: FAILED") && text.contains("java.net.ConnectException: refused"),
        "{text}"
    );
}

#[tokio::test]
async fn the_old_task_still_running_is_not_taken_for_the_new_one() {
    let server = MockServer::start().await;
    let mut old = definition().config;
    old.insert("poll.interval.ms".to_owned(), json!("500"));
    old.insert("name".to_owned(), json!(NAME));
    Mock::given(method("GET"))
        .and(path(format!("/connectors/{NAME}/config")))
        .respond_with(ResponseTemplate::new(200).set_body_json(old))
        .expect(1)
        .mount(&server)
        .await;
    mount_put(
        &server,
        ResponseTemplate::new(200).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    mount_status(&server, running(), 2).await;
    let failed = json!([{"id": 0, "state": "FAILED", "worker_id": "w", "trace": "wrong"}]);
    mount_status(&server, status("RUNNING", &failed), 1).await;
    mount_status(&server, running(), u64::MAX).await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(202))
        .mount(&server)
        .await;

    let applied = client(&server).apply(&definition(), LIMIT).await.unwrap();
    assert_eq!(applied.restarts, 1);
}

#[tokio::test]
async fn a_refused_configuration_is_told_at_once() {
    let server = MockServer::start().await;
    let refusal = json!({"error_code": 400, "message": "Connector configuration is invalid: database.hostname"});
    mount_put(
        &server,
        ResponseTemplate::new(400).set_body_json(refusal),
        1,
    )
    .await;

    let error = client(&server)
        .apply(&definition(), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Kafka Connect answered 400 Bad Request: Connector configuration is invalid: database.hostname"
    );
}

#[tokio::test]
async fn nobody_there_is_an_error_at_the_deadline() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = ConnectClient::new(format!("http://{address}").parse().unwrap()).unwrap();
    let error = client
        .apply(&definition(), Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectorError::NotRunning { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn status_of_a_connector_that_is_not_there() {
    let server = MockServer::start().await;
    let body =
        json!({"error_code": 404, "message": "No status found for connector nova-postgres-cdc"});
    mount_status(&server, ResponseTemplate::new(404).set_body_json(body), 1).await;
    let error = client(&server).status(NAME).await.unwrap_err();
    assert!(
        matches!(error, ConnectorError::Refused { status, .. } if status == 404),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_same_configuration_again_is_put_and_settles() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(format!("/connectors/{NAME}/config")))
        .respond_with(ResponseTemplate::new(200).set_body_json(definition().config))
        .expect(1)
        .mount(&server)
        .await;
    mount_put(
        &server,
        ResponseTemplate::new(200).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    mount_status(&server, running(), u64::MAX).await;

    let applied = client(&server).apply(&definition(), LIMIT).await.unwrap();
    assert!(!applied.created);
    assert_eq!(applied.restarts, 0);
    // One look is not enough: the task of before is still seen running.
    let requests = server.received_requests().await.unwrap();
    let looks = requests
        .iter()
        .filter(|r| r.url.path().ends_with("/status"));
    assert!(looks.count() > 1);
}

#[tokio::test]
async fn a_worker_that_is_starting_or_slow_is_tried_again() {
    let server = MockServer::start().await;
    for (status, message) in [
        (503, "Kafka Connect is starting up"),
        (
            500,
            "Request timed out. The worker is currently ensuring membership",
        ),
        (404, "HTTP 404 Not Found"),
    ] {
        let refusal = json!({"error_code": status, "message": message});
        mount_put(
            &server,
            ResponseTemplate::new(status).set_body_json(refusal),
            1,
        )
        .await;
    }
    mount_put(
        &server,
        ResponseTemplate::new(201).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    mount_status(&server, ResponseTemplate::new(503), 1).await;
    mount_status(&server, running(), u64::MAX).await;
    let applied = client(&server).apply(&definition(), LIMIT).await.unwrap();
    assert!(applied.created);
}

#[tokio::test]
async fn a_mistake_of_the_worker_is_told_at_once() {
    let server = MockServer::start().await;
    let refusal = json!({"error_code": 500, "message": "java.lang.NullPointerException"});
    mount_put(
        &server,
        ResponseTemplate::new(500).set_body_json(refusal),
        1,
    )
    .await;
    let error = client(&server)
        .apply(&definition(), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Kafka Connect answered 500 Internal Server Error: java.lang.NullPointerException"
    );
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_at_the_deadline() {
    let never = || ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    let short = Duration::from_millis(300);

    let server = MockServer::start().await;
    mount_put(&server, never(), 1).await;
    let error = client(&server)
        .apply(&definition(), short)
        .await
        .unwrap_err();
    let ConnectorError::NotRunning { waited, last } = error else {
        panic!("{error:?}");
    };
    assert_eq!(waited, short);
    assert_eq!(last, "no answer to the configuration");

    let server = MockServer::start().await;
    mount_put(
        &server,
        ResponseTemplate::new(201).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    mount_status(&server, never(), u64::MAX).await;
    let error = client(&server)
        .apply(&definition(), short)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectorError::NotRunning { last, .. } if last == "no status yet"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_of_kafka_connect_is_told() {
    // A proxy in between, say.
    let page = || ResponseTemplate::new(200).set_body_string("<html>welcome</html>");
    let server = MockServer::start().await;
    mount_put(&server, page(), 1).await;
    mount_status(&server, page(), u64::MAX).await;
    let error = client(&server)
        .apply(&definition(), Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectorError::NotRunning { last, .. } if last.contains("decoding")),
        "{error:?}"
    );

    for garbage in [
        "",
        "[]",
        "{\"name\": 1}",
        "{\"name\": \"x\", \"connector\": null}",
        "\u{0}",
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_string(garbage);
        mount_status(&server, answer, 1).await;
        let error = client(&server).status(NAME).await.unwrap_err();
        assert!(
            matches!(&error, ConnectorError::Request(error) if error.is_decode()),
            "{garbage}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_in_other_words_is_told_as_it_is() {
    let server = MockServer::start().await;
    mount_put(
        &server,
        ResponseTemplate::new(400).set_body_string("<html>Bad Request</html>"),
        1,
    )
    .await;
    let error = client(&server)
        .apply(&definition(), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "Kafka Connect answered 400 Bad Request: <html>Bad Request</html>"
    );
}

#[tokio::test]
async fn a_restart_that_is_refused_is_tried_again() {
    let server = MockServer::start().await;
    mount_put(
        &server,
        ResponseTemplate::new(200).set_body_json(json!({"name": NAME})),
        1,
    )
    .await;
    let failed = json!([{"id": 0, "state": "FAILED", "worker_id": "w", "trace": "refused"}]);
    mount_status(&server, status("RUNNING", &failed), 2).await;
    mount_status(&server, running(), u64::MAX).await;
    let conflict = json!({"error_code": 409, "message": "Cannot complete request because of a conflicting operation"});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(409).set_body_json(conflict))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(202))
        .mount(&server)
        .await;
    let applied = client(&server).apply(&definition(), LIMIT).await.unwrap();
    assert!(applied.status.is_running());
}
