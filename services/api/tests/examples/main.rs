//! Every example of the document is sent to real servers, and what comes back is what the document says.
//!
//! Which example belongs to which request: the body, the parameters and the answer of one name are one exchange. A text
//! in the answer of an example that names a thing (an id, a cursor) stands for what the server put there: wherever a
//! later example uses it, the real one is sent.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a panic is the failure to report"
)]

#[path = "../common/mod.rs"]
mod common;
mod problems;
mod run;
mod shape;

use chrono::{DateTime, TimeDelta, Utc};
use common::client::{Answer, Ask, Client};
use common::{Api, Servers};
use nova_cache::{HotPost, Suggestion, SuggestionReason};
use nova_domain::PostId;
use nova_olap::schema;
use nova_social::migrate;
use nova_stream::topics;
use nova_testbed::{Server, Stack};
use problems::problems;
use reqwest::Method;
use run::Run;
use serde_json::{Value, json};

const ADA: &str = "0190b5a0-0000-7000-8000-00000000000a";
const BOB: &str = "0190b5a0-0000-7000-8000-00000000000b";
const GRACE: &str = "0190b5a0-0000-7000-8000-00000000000c";

/// An order in which the operations make sense. What is not listed here is not executed, which fails the test.
const ORDER: [&str; 21] = [
    "putProfile",
    "unfollowUser",
    "followUser",
    "createPost",
    "getPost",
    "likePost",
    "unlikePost",
    "createComment",
    "listComments",
    "reportEvents",
    "getFeed:first-page",
    "getFeed:next-page",
    "getFeed:explained",
    "getSuggestedUsers",
    "getTrending",
    "deleteComment",
    "blockUser",
    "unblockUser",
    "deletePost",
    "getOpenApi",
    "problems",
];

#[tokio::test]
async fn every_example_is_executed() -> anyhow::Result<()> {
    let servers = [
        Server::Postgres,
        Server::Kafka,
        Server::ClickHouse,
        Server::Redis,
    ];
    let stack = Stack::builder().servers(&servers).start().await?;
    let servers = Servers::of(stack.endpoints());
    let api = Api::start(&servers, &[]).await?;
    migrate(api.social.pool(), "password").await?;
    topics::ensure(&servers.kafka).await?;
    schema::apply(&api.olap).await?;

    let client = Client::new(api.addr);
    let mut run = Run::new(&client);
    prepare(&api, &client).await?;
    for step in ORDER {
        match step.split_once(':') {
            _ if step == "problems" => problems(&mut run, &api, &servers).await?,
            Some((operation, name)) => run.example(operation, Some(name)).await?,
            None => {
                for name in run.names(step) {
                    run.example(step, name.as_deref()).await?;
                }
            }
        }
    }
    let all = run.documented();
    let left_out: Vec<_> = all.difference(&run.executed).collect();
    assert!(left_out.is_empty(), "not executed: {left_out:?}");

    api.request_stop();
    api.stopped().await?;
    stack.stop().await;
    Ok(())
}

/// What the examples take to be there: other users, and posts of one of them that the feed can show.
async fn prepare(api: &Api, client: &Client) -> anyhow::Result<()> {
    let mut posts = Vec::new();
    for (user, handle, name) in [(BOB, "bob", "Bob"), (GRACE, "grace", "Grace Hopper")] {
        let profile = json!({"handle": handle, "display_name": name});
        ask(client, user, Method::PUT, "/users/me", Some(&profile), 200).await?;
    }
    for n in 0..2 {
        let post = json!({
            "caption": format!("How to tie a bowline, {n}"),
            "media_url": "https://media.example/v/bowline.mp4",
            "media_type": "video",
            "duration_ms": 42_000,
            "visibility": "public",
        });
        let made = ask(client, BOB, Method::POST, "/posts", Some(&post), 201).await?;
        posts.push(made.body());
    }
    // As the pipeline would.
    let olap = api.olap.client();
    let (now, stamp) = (Utc::now(), |at: DateTime<Utc>| at.timestamp_micros());
    for (n, post) in posts.iter().enumerate() {
        let id: PostId = post["post_id"].as_str().unwrap_or_default().parse()?;
        let created = now - TimeDelta::minutes(10 + i64::try_from(n)?);
        let row = format!(
            "INSERT INTO posts_cdc SELECT toUUID('{id}'), toUUID('{BOB}'), 'a', 'https://m.example/1', 'video', 42000, \
             'public', fromUnixTimestamp64Micro({0}, 'UTC'), fromUnixTimestamp64Micro({0}, 'UTC'), NULL, 1, 0",
            stamp(created)
        );
        olap.query(&row).execute().await?;
    }
    let row = format!(
        "INSERT INTO follows_cdc (follower_id, followee_id, created_at, _version, _deleted) SELECT toUUID('{ADA}'), \
         toUUID('{BOB}'), fromUnixTimestamp64Micro({}, 'UTC'), 1, 0",
        stamp(now)
    );
    olap.query(&row).execute().await?;
    // As the jobs and the projector would.
    let hot = HotPost {
        post_id: posts[0]["post_id"].as_str().unwrap_or_default().parse()?,
        author_id: BOB.parse()?,
        created_at: now,
        engagement: 1.0,
        freshness: 1.0,
        score: 0.7,
    };
    api.cache.store_hot_posts(&[hot], 1).await?;
    let grace = Suggestion {
        user_id: GRACE.parse()?,
        score: 1.609,
        interactions: 4,
        reason: SuggestionReason::Engaged { interactions: 4 },
    };
    api.cache.store_suggestions(ADA.parse()?, &[grace]).await?;
    api.cache
        .note_pipeline_seen(Utc::now().timestamp_millis())
        .await?;
    Ok(())
}

async fn ask(
    client: &Client,
    user: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
    status: u16,
) -> anyhow::Result<Answer> {
    let ask = Ask {
        user: Some(user.parse()?),
        method: method.clone(),
        path,
        body,
        headers: &[],
    };
    let answer = client.send(ask).await?;
    anyhow::ensure!(
        answer.status == status,
        "{method} {path}: {} {}",
        answer.status,
        answer.text
    );
    Ok(answer)
}
