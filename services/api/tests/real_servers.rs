//! The API over TCP, on a real PostgreSQL and a real Kafka.

mod common;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use common::client::{Answer, Ask, Client};
use common::{Api, Servers};
use nova_domain::{PostId, UserId};
use nova_social::migrate;
use nova_stream::{StoredEvent, topics};
use nova_testbed::{Server, Stack, wait_for};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use reqwest::Method;
use serde_json::{Value, json};

const GET: Method = Method::GET;
const PUT: Method = Method::PUT;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

struct World {
    stack: Stack,
    api: Api,
    client: Client,
}

impl World {
    async fn start(servers: &[Server]) -> anyhow::Result<Self> {
        let stack = Stack::builder().servers(servers).start().await?;
        let api = Api::start(&Servers::of(stack.endpoints()), &[]).await?;
        migrate(api.social.pool(), "password").await?;
        if servers.contains(&Server::Kafka) {
            topics::ensure(&stack.endpoints().kafka).await?;
        }
        Ok(Self {
            client: Client::new(api.addr),
            stack,
            api,
        })
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.api.request_stop();
        self.api.stopped().await?;
        self.stack.stop().await;
        Ok(())
    }

    async fn send(
        &self,
        user: UserId,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let ask = Ask {
            user: Some(user),
            method,
            path,
            body,
            headers,
        };
        self.client.send(ask).await
    }

    /// Sends, expects a status, gives the body.
    async fn expect(
        &self,
        status: u16,
        user: UserId,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let answer = self
            .send(user, method.clone(), path, body.as_ref(), &[])
            .await?;
        anyhow::ensure!(
            answer.status == status,
            "{method} {path}: {}, not {status}: {}",
            answer.status,
            answer.text
        );
        Ok(answer.body())
    }

    async fn user(&self, handle: &str) -> anyhow::Result<UserId> {
        let user = UserId::generate();
        let profile = json!({"handle": handle, "display_name": handle});
        self.expect(200, user, PUT, "/users/me", Some(profile))
            .await?;
        Ok(user)
    }

    /// Rows of every table a client can write.
    async fn rows(&self) -> anyhow::Result<Vec<i64>> {
        let mut rows = Vec::new();
        for count in [
            "SELECT count(*) FROM users",
            "SELECT count(*) FROM posts",
            "SELECT count(*) FROM follows",
            "SELECT count(*) FROM blocks",
            "SELECT count(*) FROM likes",
            "SELECT count(*) FROM comments",
            "SELECT count(*) FROM idempotency_keys",
        ] {
            rows.push(
                sqlx::query_scalar(count)
                    .fetch_one(self.api.social.pool())
                    .await?,
            );
        }
        Ok(rows)
    }
}

fn post() -> Value {
    json!({
        "caption": "hello",
        "media_url": "https://media.example/v/1.mp4",
        "media_type": "video",
        "duration_ms": 15_000,
        "visibility": "public",
    })
}

#[tokio::test]
async fn a_life_in_writes() -> anyhow::Result<()> {
    let world = World::start(&[Server::Postgres]).await?;
    let (ada, bob) = (world.user("ada").await?, world.user("bob").await?);
    let taken = json!({"handle": "Ada", "display_name": "x"});
    world
        .expect(409, bob, PUT, "/users/me", Some(taken))
        .await?;

    for _ in 0..2 {
        world
            .expect(204, bob, PUT, &format!("/users/{ada}/follow"), None)
            .await?;
    }
    let made = world.expect(201, ada, POST, "/posts", Some(post())).await?;
    let path = format!("/posts/{}", made["post_id"].as_str().unwrap());
    assert_eq!(
        world.expect(200, bob, GET, &path, None).await?["caption"],
        "hello"
    );
    for _ in 0..2 {
        world
            .expect(204, bob, PUT, &format!("{path}/like"), None)
            .await?;
    }
    assert_eq!(
        world.expect(200, bob, GET, &path, None).await?["liked"],
        true
    );

    for n in 0..3 {
        world
            .expect(
                201,
                bob,
                POST,
                &format!("{path}/comments"),
                Some(json!({"body": format!("c{n}")})),
            )
            .await?;
    }
    let first = world
        .expect(200, ada, GET, &format!("{path}/comments?limit=2"), None)
        .await?;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world
        .expect(
            200,
            ada,
            GET,
            &format!("{path}/comments?limit=2&cursor={cursor}"),
            None,
        )
        .await?;
    let bodies: Vec<_> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|comment| comment["body"].as_str().unwrap())
        .collect();
    assert_eq!(bodies, ["c2", "c1", "c0"]);
    assert_eq!(second["next_cursor"], Value::Null);
    let comment = format!(
        "/comments/{}",
        first["items"][0]["comment_id"].as_str().unwrap()
    );
    world.expect(204, ada, DELETE, &comment, None).await?;
    world.expect(404, ada, DELETE, &comment, None).await?;

    for _ in 0..2 {
        world
            .expect(204, bob, DELETE, &format!("{path}/like"), None)
            .await?;
    }
    world
        .expect(204, ada, PUT, &format!("/users/{bob}/block"), None)
        .await?;
    world.expect(404, bob, GET, &path, None).await?;
    world
        .expect(204, ada, DELETE, &format!("/users/{bob}/block"), None)
        .await?;
    world.expect(404, bob, DELETE, &path, None).await?;
    for _ in 0..2 {
        world.expect(204, ada, DELETE, &path, None).await?;
    }
    world.expect(404, bob, GET, &path, None).await?;
    assert_eq!(world.rows().await?, [2, 1, 0, 0, 0, 2, 0]);
    world.stop().await
}

#[tokio::test]
async fn a_repeated_post_is_one_post() -> anyhow::Result<()> {
    let world = World::start(&[Server::Postgres]).await?;
    let ada = world.user("ada").await?;
    let key = [("Idempotency-Key", "0190b5a0-0000-7000-8000-000000000001")];
    let mut answers = HashSet::new();
    let mut replayed = Vec::new();
    for _ in 0..3 {
        let answer = world.send(ada, POST, "/posts", Some(&post()), &key).await?;
        assert_eq!(answer.status, 201);
        replayed.push(answer.headers.contains_key("idempotent-replayed"));
        let location = answer.headers["location"].to_str()?.to_owned();
        answers.insert((location, answer.text));
    }
    assert_eq!(replayed, [false, true, true]);
    assert_eq!(
        answers.len(),
        1,
        "the same answer, byte for byte: {answers:?}"
    );
    let other = json!({"caption": "other", "media_url": "https://m.example/1", "media_type": "image", "visibility": "public"});
    let answer = world.send(ada, POST, "/posts", Some(&other), &key).await?;
    assert_eq!(answer.status, 422);
    assert_eq!(world.rows().await?, [1, 1, 0, 0, 0, 0, 1]);
    world.stop().await
}

#[tokio::test]
async fn what_is_refused_is_not_written() -> anyhow::Result<()> {
    let world = World::start(&[Server::Postgres, Server::Kafka]).await?;
    let (ada, stranger, nobody) = (
        world.user("ada").await?,
        UserId::generate(),
        UserId::generate(),
    );
    let made = world.expect(201, ada, POST, "/posts", Some(post())).await?;
    let (path, id) = (
        format!("/posts/{nobody}"),
        made["post_id"].as_str().unwrap(),
    );
    let (rows, events) = (world.rows().await?, end_of_events(&world).await?);

    let unknown: [(Method, String, Option<Value>); 10] = [
        (PUT, format!("/users/{nobody}/follow"), None),
        (DELETE, format!("/users/{nobody}/follow"), None),
        (PUT, format!("/users/{nobody}/block"), None),
        (DELETE, format!("/users/{nobody}/block"), None),
        (GET, path.clone(), None),
        (DELETE, path.clone(), None),
        (PUT, format!("{path}/like"), None),
        (DELETE, format!("{path}/like"), None),
        (GET, format!("{path}/comments"), None),
        (
            POST,
            format!("{path}/comments"),
            Some(json!({"body": "nice"})),
        ),
    ];
    for (method, path, body) in unknown {
        let problem = world.expect(404, ada, method, &path, body).await?;
        assert_eq!(problem["type"], "urn:nova:problem:not-found", "{path}");
    }
    // Whoever has no profile writes nothing.
    for (method, path, body) in [
        (PUT, format!("/users/{ada}/follow"), None),
        (PUT, format!("/posts/{id}/like"), None),
        (
            POST,
            format!("/posts/{id}/comments"),
            Some(json!({"body": "nice"})),
        ),
        (POST, "/posts".to_owned(), Some(post())),
    ] {
        let problem = world.expect(403, stranger, method, &path, body).await?;
        assert_eq!(
            problem["type"], "urn:nova:problem:profile-required",
            "{path}"
        );
    }
    for edge in ["follow", "block"] {
        world
            .expect(422, ada, PUT, &format!("/users/{ada}/{edge}"), None)
            .await?;
    }
    for caption in ["", "a\u{0}b", &"a".repeat(10_001)] {
        let mut bad = post();
        bad["caption"] = json!(caption);
        world.expect(422, ada, POST, "/posts", Some(bad)).await?;
    }
    let mut large = post();
    large["caption"] = json!("a".repeat(100_000));
    world.expect(413, ada, POST, "/posts", Some(large)).await?;

    let good = event("0190b5a0-0000-7000-8000-0000000000e1", id);
    let many: Vec<_> = (0..501)
        .map(|n| event(&format!("0190b5a0-0000-7000-8000-{n:012}"), id))
        .collect();
    let mut unknown_type = good.clone();
    unknown_type["type"] = json!("stare");
    let unknown_post = event("0190b5a0-0000-7000-8000-0000000000e2", &nobody.to_string());
    for (batch, pointer) in [
        (json!(many), "/events"),
        (json!([good, unknown_type]), "/events/1/type"),
        (json!([good, unknown_post]), "/events/1/post_id"),
    ] {
        let problem = world
            .expect(422, ada, POST, "/events", Some(json!({ "events": batch })))
            .await?;
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    assert_eq!(world.rows().await?, rows);
    assert_eq!(end_of_events(&world).await?, events);
    assert_eq!(events, 0);

    // The same batch without its mistakes is taken; twice in a batch is once.
    let batch = json!({"events": [good, event("0190b5a0-0000-7000-8000-0000000000e3", id), good]});
    assert_eq!(
        world.expect(202, ada, POST, "/events", Some(batch)).await?["accepted"],
        2
    );
    assert_eq!(end_of_events(&world).await?, 2);
    let stored = read_events(&world, 2)?;
    assert!(
        stored
            .iter()
            .all(|e| e.user_id == ada && e.author_id == ada && e.post_id.to_string() == id)
    );
    assert!(
        stored
            .iter()
            .all(|e| e.occurred_at > e.received_at - chrono::TimeDelta::days(8)),
        "clocks are clamped"
    );
    world.stop().await
}

#[tokio::test]
async fn events_are_refused_while_kafka_is_down() -> anyhow::Result<()> {
    let world = World::start(&[Server::Postgres]).await?;
    let ada = world.user("ada").await?;
    let made = world.expect(201, ada, POST, "/posts", Some(post())).await?;
    let good = event(
        "0190b5a0-0000-7000-8000-0000000000e1",
        made["post_id"].as_str().unwrap(),
    );
    let answer = world
        .send(ada, POST, "/events", Some(&json!({"events": [good]})), &[])
        .await?;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(answer.body()["type"], "urn:nova:problem:unavailable");
    world.stop().await
}

/// What a request wrote is in Redis when it is answered: nobody waits for the pipeline to see their own action.
#[tokio::test]
async fn own_writes_are_told_at_once() -> anyhow::Result<()> {
    let world = World::start(&[Server::Postgres, Server::Redis]).await?;
    let (ada, bob) = (world.user("ada").await?, world.user("bob").await?);
    let cache = &world.api.cache;
    // Connecting takes longer than a request waits.
    wait_for(Duration::from_secs(20), || async {
        cache.ping().await.map_err(|error| error.to_string())
    })
    .await?;
    let made = world.expect(201, ada, POST, "/posts", Some(post())).await?;
    let id: PostId = made["post_id"].as_str().unwrap().parse()?;
    let (like, follow) = (format!("/posts/{id}/like"), format!("/users/{ada}/follow"));
    for (method, on) in [(PUT, true), (DELETE, false), (PUT, true)] {
        for path in [&like, &follow] {
            world.expect(204, bob, method.clone(), path, None).await?;
        }
        let overlay = cache.overlay(bob).await?;
        assert_eq!(overlay.likes.get(&id), Some(&on));
        assert_eq!(overlay.follows.get(&ada), Some(&on));
    }
    for (method, on) in [(PUT, true), (DELETE, false)] {
        let path = format!("/users/{bob}/block");
        world.expect(204, ada, method, &path, None).await?;
        for (one, other) in [(ada, bob), (bob, ada)] {
            let overlay = cache.overlay(one).await?;
            assert_eq!(overlay.blocks.get(&other), Some(&on));
        }
        // The follow does not come back with the end of the block.
        assert_eq!(cache.overlay(bob).await?.follows.get(&ada), Some(&false));
    }
    world
        .expect(204, ada, DELETE, &format!("/posts/{id}"), None)
        .await?;
    let row = cache.counters(&[id]).await?.remove(0);
    assert!(row.is_some_and(|row| row.deleted));
    // What is refused is not told.
    world.expect(404, bob, PUT, &like, None).await?;
    world.stop().await
}

/// A block that PostgreSQL has and Redis was never told would be a block that does not show.
#[tokio::test]
async fn a_write_is_told_although_its_client_has_hung_up() -> anyhow::Result<()> {
    let world = World::start(&[Server::Postgres, Server::Redis]).await?;
    let (ada, bob) = (world.user("ada").await?, world.user("bob").await?);
    // Holds up the write until its client has gone.
    let mut transaction = world.api.social.pool().begin().await?;
    sqlx::query("LOCK TABLE blocks IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *transaction)
        .await?;
    let path = format!("/users/{bob}/block");
    let held_up = wait_for(Duration::from_secs(20), || async {
        let waiting =
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'blocks'::regclass";
        let waiting: Result<i64, _> = sqlx::query_scalar(waiting)
            .fetch_one(world.api.social.pool())
            .await;
        match waiting {
            Ok(1) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    tokio::select! {
        answer = world.send(ada, PUT, &path, None, &[]) => anyhow::bail!("{answer:?}"),
        held_up = held_up => held_up?,
    }
    transaction.rollback().await?;
    wait_for(Duration::from_secs(20), || async {
        let overlay = world.api.cache.overlay(bob).await;
        let overlay = overlay.map_err(|error| error.to_string())?;
        match overlay.blocks.get(&ada) {
            Some(true) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await?;
    assert_eq!(world.rows().await?[3], 1, "the block was written");
    world.stop().await
}

fn event(event_id: &str, post_id: &str) -> Value {
    json!({"event_id": event_id, "type": "view", "post_id": post_id, "occurred_at": "2020-01-01T00:00:00Z"})
}

fn consumer(world: &World) -> anyhow::Result<BaseConsumer> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", &world.stack.endpoints().kafka)
        .set("group.id", "a test")
        .set("auto.offset.reset", "earliest")
        .create()?)
}

/// How many messages the topic has ever had.
async fn end_of_events(world: &World) -> anyhow::Result<i64> {
    let consumer = consumer(world)?;
    let ask =
        |partition| consumer.fetch_watermarks(topics::EVENTS, partition, Duration::from_secs(5));
    // A topic that has just been made may have no leader for a moment.
    let end = wait_for(Duration::from_secs(20), || async {
        let ends: Result<Vec<_>, _> = (0..topics::DATA_PARTITIONS).map(ask).collect();
        ends.map_err(|error| error.to_string())
    })
    .await?;
    Ok(end.iter().map(|(_, high)| high).sum())
}

fn read_events(world: &World, count: usize) -> anyhow::Result<Vec<StoredEvent>> {
    let consumer = consumer(world)?;
    consumer.subscribe(&[topics::EVENTS])?;
    let mut events = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    while events.len() < count {
        anyhow::ensure!(
            Instant::now() < deadline,
            "{} events of {count}",
            events.len()
        );
        // No message may also mean: an event of the consumer's own.
        if let Some(message) = consumer.poll(Duration::from_millis(500)) {
            events.push(serde_json::from_slice(
                message?.payload().unwrap_or_default(),
            )?);
        }
    }
    Ok(events)
}
