//! Each kind of problem, provoked.

use std::time::Duration;

use nova_domain::{PostId, UserId};
use nova_testbed::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use super::common::client::{Answer, Ask, Client};
use super::common::{Api, Servers, token};
use super::run::Run;
use super::{ADA, BOB};

/// Kind, who, what, with which body and headers.
type Provoked<'a> = (
    &'a str,
    Option<UserId>,
    Method,
    &'a str,
    Option<&'a Value>,
    &'a [(&'a str, &'a str)],
);

/// Provokes all.
pub(crate) async fn problems(
    run: &mut Run<'_>,
    api: &Api,
    servers: &Servers,
) -> anyhow::Result<()> {
    let ada: UserId = ADA.parse()?;
    let stranger = UserId::generate();
    let nothing = PostId::generate();
    let post = json!({"caption": "a", "media_url": "https://m.example/1", "media_type": "image", "visibility": "public"});
    let (get_feed, posts) = ("/feed?limit=101", "/posts");
    let unseen = format!("/posts/{nothing}");
    let follow = format!("/users/{BOB}/follow");
    let myself = format!("/users/{ADA}/follow");
    let taken = json!({"handle": "bob", "display_name": "x"});
    let large = json!({"caption": "a".repeat(100_000)});
    let wrong = json!({"caption": "", "media_url": "https://m.example/1", "media_type": "clip", "visibility": "public"});
    let used = [("Idempotency-Key", "0190b5a0-0000-7000-8000-0000000000d1")];
    let asks: [Provoked<'_>; 9] = [
        (
            "invalid-parameter",
            Some(ada),
            Method::GET,
            get_feed,
            None,
            &[],
        ),
        ("unauthorized", None, Method::GET, get_feed, None, &[]),
        (
            "profile-required",
            Some(stranger),
            Method::PUT,
            &follow,
            None,
            &[],
        ),
        ("not-found", Some(ada), Method::GET, &unseen, None, &[]),
        (
            "handle-taken",
            Some(stranger),
            Method::PUT,
            "/users/me",
            Some(&taken),
            &[],
        ),
        (
            "body-too-large",
            Some(ada),
            Method::POST,
            posts,
            Some(&large),
            &[],
        ),
        (
            "validation",
            Some(ada),
            Method::POST,
            posts,
            Some(&wrong),
            &[],
        ),
        ("self-reference", Some(ada), Method::PUT, &myself, None, &[]),
        (
            "idempotency-conflict",
            Some(ada),
            Method::POST,
            posts,
            Some(&post),
            &used,
        ),
    ];
    for (slug, user, method, path, body, headers) in asks {
        let ask = Ask {
            user,
            method,
            path,
            body,
            headers,
        };
        let answer = run.client.send(ask).await?;
        run.problem(slug, &answer)?;
    }
    let answer = run
        .client
        .send_raw(&raw(ada, "application/json", "content-length: 1\r\n", "{")?)
        .await?;
    run.problem("invalid-json", &answer)?;
    let answer = run
        .client
        .send_raw(&raw(ada, "text/plain", "content-length: 2\r\n", "{}")?)
        .await?;
    run.problem("unsupported-media-type", &answer)?;
    let answer = run
        .client
        .send_raw(&raw(
            ada,
            "application/json",
            "transfer-encoding: chunked\r\n",
            "zz\r\n",
        )?)
        .await?;
    run.problem("refused", &answer)?;

    // With other settings, or other servers.
    let stalled = raw(ada, "application/json", "content-length: 2\r\n", "{")?;
    let other = Other::start(servers, &[("NOVA_API_BODY_TIMEOUT_MS", "200")]).await?;
    run.problem("body-timeout", &other.client.send_raw(&stalled).await?)?;
    other.stop().await?;
    let other = Other::start(servers, &[("NOVA_API_REQUEST_TIMEOUT_MS", "200")]).await?;
    run.problem("timeout", &other.client.send_raw(&stalled).await?)?;
    other.stop().await?;
    let settings = [
        ("NOVA_API_RATE_PER_SECOND", "1"),
        ("NOVA_API_RATE_BURST", "1"),
    ];
    let other = Other::start(servers, &settings).await?;
    other.get(ada, &unseen).await?;
    run.problem("rate-limited", &other.get(ada, &unseen).await?)?;
    other.stop().await?;
    let settings = [
        ("NOVA_API_MAX_IN_FLIGHT", "1"),
        ("NOVA_API_BODY_TIMEOUT_MS", "2000"),
    ];
    let other = Other::start(servers, &settings).await?;
    let (_, answer) = tokio::try_join!(other.client.send_raw(&stalled), other.overloaded(ada))?;
    run.problem("overloaded", &answer)?;
    other.stop().await?;
    let other = Other::start(&Servers::none(), &[]).await?;
    run.problem("unavailable", &other.get(ada, &unseen).await?)?;
    other.stop().await?;

    sqlx::query("ALTER TABLE likes RENAME TO gone")
        .execute(api.social.pool())
        .await?;
    let ask = Ask {
        user: Some(ada),
        method: Method::GET,
        path: &unseen,
        body: None,
        headers: &[],
    };
    let answer = run.client.send(ask).await?;
    run.problem("internal", &answer)
}

/// The bytes of `POST /posts`.
fn raw(user: UserId, media: &str, framing: &str, body: &str) -> anyhow::Result<String> {
    Ok(format!(
        "POST /api/v1/posts HTTP/1.1\r\nhost: nova\r\nauthorization: Bearer {}\r\ncontent-type: {media}\r\n{framing}connection: close\r\n\r\n{body}",
        token(user)?
    ))
}

/// Another API.
struct Other {
    api: Api,
    client: Client,
}

impl Other {
    async fn start(
        servers: &Servers,
        settings: &[(&'static str, &'static str)],
    ) -> anyhow::Result<Self> {
        let api = Api::start(servers, settings).await?;
        Ok(Self {
            client: Client::new(api.addr),
            api,
        })
    }

    async fn get(&self, user: UserId, path: &str) -> anyhow::Result<Answer> {
        let ask = Ask {
            user: Some(user),
            method: Method::GET,
            path,
            body: None,
            headers: &[],
        };
        self.client.send(ask).await
    }

    /// Asks until another request has the only place.
    async fn overloaded(&self, user: UserId) -> anyhow::Result<Answer> {
        let refused = wait_for(Duration::from_secs(5), async || {
            let answer = self.get(user, "/posts/x").await;
            let answer = answer.map_err(|error| error.to_string())?;
            match answer.status {
                503 => Ok(answer),
                other => Err(format!("{other}")),
            }
        });
        Ok(refused.await?)
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.api.request_stop();
        self.api.stopped().await
    }
}
