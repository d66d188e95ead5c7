//! People: users of the API with a token of their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nova_domain::{PostId, UserId};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::wait_until;
use crate::world::World;

/// A user with a profile and a token.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    token: String,
    base: String,
    http: reqwest::Client,
}

/// A page of the feed.
#[derive(Debug, Clone, Deserialize)]
pub struct Feed {
    /// In order.
    pub items: Vec<Item>,
    /// What the feed was made of.
    pub served_from: String,
    /// What was left out.
    pub degraded: Vec<String>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// The ranking it was cut from.
    pub snapshot: Snapshot,
    /// Why it is a first page although a later one was asked for.
    #[serde(default)]
    pub restarted: Option<String>,
}

/// The ranking a page was cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// Its name.
    pub id: Uuid,
}

/// What the tests look at of an item.
#[derive(Debug, Clone, Deserialize)]
pub struct Item {
    /// The post.
    pub post_id: PostId,
    /// Its author.
    pub author_id: UserId,
    /// Its text.
    pub caption: String,
    /// Who found it.
    pub sources: Vec<String>,
    /// The ranking's value.
    pub score: f64,
    /// Exact counts.
    pub counts: Counts,
    /// The viewer's own relation to it.
    pub viewer: Viewer,
}

/// Exact counts of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Likes now.
    pub likes: u64,
    /// Comments now.
    pub comments: u64,
    /// Shares so far.
    pub shares: u64,
}

/// The viewer's own relation to a post.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Viewer {
    /// Whether the viewer likes it.
    pub liked: bool,
}

impl Feed {
    /// The item of a post.
    #[must_use]
    pub fn item(&self, post: PostId) -> Option<&Item> {
        self.items.iter().find(|item| item.post_id == post)
    }

    /// The place of a post, from 0.
    #[must_use]
    pub fn rank(&self, post: PostId) -> Option<usize> {
        self.items.iter().position(|item| item.post_id == post)
    }
}

/// A post as the API takes it.
#[must_use]
pub fn new_post(caption: &str, visibility: &str) -> Value {
    json!({
        "caption": caption, "media_url": "https://media.example/v/1.mp4", "media_type": "video",
        "duration_ms": 15_000, "visibility": visibility,
    })
}

impl World {
    /// A new person with a profile.
    pub async fn person(&self) -> Person {
        let person = self.stranger(UserId::generate());
        let handle = format!("p{}", &person.id.uuid().simple().to_string()[12..]);
        let profile = json!({"handle": handle, "display_name": "A person"});
        person
            .expect(Method::PUT, "/users/me", Some(profile), StatusCode::OK)
            .await;
        person
    }

    /// Several.
    pub async fn people(&self, count: usize) -> Vec<Person> {
        futures::future::join_all((0..count).map(|_| self.person())).await
    }

    /// Somebody with a good token and no profile.
    #[must_use]
    pub fn stranger(&self, id: UserId) -> Person {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        Person {
            id,
            token: self.token(&json!({"sub": id.to_string(), "iat": now, "exp": now + 3600})),
            base: self.stack.endpoints().api.clone(),
            http: self.http.clone(),
        }
    }

    /// A token with these claims, signed as the API expects.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        let key =
            jsonwebtoken::EncodingKey::from_secret(self.stack.endpoints().auth_secret.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
    }
}

impl Person {
    /// A request with the person's token; `path` below `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}/api/v1{path}", self.base))
            .bearer_auth(&self.token)
    }

    /// Sends, and requires the status. Gives the body, `null` when it is empty.
    pub async fn expect(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        status: StatusCode,
    ) -> Value {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let (found, text) = read(response).await;
        assert_eq!(found, status, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn no_content(&self, method: Method, path: &str) {
        self.expect(method, path, None, StatusCode::NO_CONTENT)
            .await;
    }

    /// Posts; public.
    pub async fn post(&self, caption: &str) -> PostId {
        self.post_as(caption, "public").await
    }

    /// Posts.
    pub async fn post_as(&self, caption: &str, visibility: &str) -> PostId {
        let body = self
            .expect(
                Method::POST,
                "/posts",
                Some(new_post(caption, visibility)),
                StatusCode::CREATED,
            )
            .await;
        body["post_id"]
            .as_str()
            .expect("a post_id")
            .parse()
            .unwrap()
    }

    /// Deletes an own post.
    pub async fn delete_post(&self, post: PostId) {
        self.no_content(Method::DELETE, &format!("/posts/{post}"))
            .await;
    }

    /// Likes.
    pub async fn like(&self, post: PostId) {
        self.no_content(Method::PUT, &format!("/posts/{post}/like"))
            .await;
    }

    /// Takes a like back.
    pub async fn unlike(&self, post: PostId) {
        self.no_content(Method::DELETE, &format!("/posts/{post}/like"))
            .await;
    }

    /// Follows.
    pub async fn follow(&self, user: UserId) {
        self.no_content(Method::PUT, &format!("/users/{user}/follow"))
            .await;
    }

    /// Unfollows.
    pub async fn unfollow(&self, user: UserId) {
        self.no_content(Method::DELETE, &format!("/users/{user}/follow"))
            .await;
    }

    /// Blocks.
    pub async fn block(&self, user: UserId) {
        self.no_content(Method::PUT, &format!("/users/{user}/block"))
            .await;
    }

    /// Comments; gives the comment's id.
    pub async fn comment(&self, post: PostId, text: &str) -> Uuid {
        let path = format!("/posts/{post}/comments");
        let body = self
            .expect(
                Method::POST,
                &path,
                Some(json!({"body": text})),
                StatusCode::CREATED,
            )
            .await;
        body["comment_id"]
            .as_str()
            .expect("a comment_id")
            .parse()
            .unwrap()
    }

    /// Deletes a comment.
    pub async fn delete_comment(&self, comment: Uuid) {
        self.no_content(Method::DELETE, &format!("/comments/{comment}"))
            .await;
    }

    /// Sends events.
    pub async fn events(&self, events: Value) {
        let body = json!({"events": events});
        self.expect(Method::POST, "/events", Some(body), StatusCode::ACCEPTED)
            .await;
    }

    /// The first hundred items of the feed.
    pub async fn feed(&self) -> Feed {
        self.page(0, 100).await
    }

    /// A page for a condition that is waited for: while the feed is unavailable (503), as it may be when there is too much
    /// to do, the condition does not hold.
    ///
    /// # Errors
    /// What the service said instead.
    pub async fn page_when_there(&self, offset: usize, limit: usize) -> Result<Feed, String> {
        let path = format!("/feed?offset={offset}&limit={limit}");
        let response = self.request(Method::GET, &path).send().await;
        let (status, text) = read(response.map_err(|error| error.to_string())?).await;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Err(text);
        }
        assert_eq!(status, StatusCode::OK, "GET {path}: {text}");
        serde_json::from_str(&text).map_err(|error| panic!("{error}: {text}"))
    }

    /// The first hundred items, for a condition that is waited for ([`Person::page_when_there`]).
    ///
    /// # Errors
    /// What the service said instead.
    pub async fn feed_when_there(&self) -> Result<Feed, String> {
        self.page_when_there(0, 100).await
    }

    /// Waits until the post is in the feed, or out of it.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub async fn sees(&self, post: PostId, expected: bool, limit: Duration) {
        let what = if expected {
            "the post in the feed"
        } else {
            "the post out of the feed"
        };
        wait_until(what, limit, || async {
            let feed = self.feed_when_there().await?;
            if feed.item(post).is_some() == expected {
                Ok(())
            } else {
                Err(format!("{} items", feed.items.len()))
            }
        })
        .await;
    }

    /// The page that a cursor points at.
    pub async fn page_at(&self, cursor: &str, limit: usize) -> Feed {
        let path = format!("/feed?cursor={cursor}&limit={limit}");
        let body = self.expect(Method::GET, &path, None, StatusCode::OK).await;
        serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    /// Asks for the first page; gives the status, what `X-Nova-Cache` says, and the feed when there is one.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn try_feed(
        &self,
        limit: usize,
    ) -> Result<(StatusCode, String, Option<Feed>), reqwest::Error> {
        let answer = self
            .request(Method::GET, &format!("/feed?limit={limit}"))
            .send()
            .await?;
        let status = answer.status();
        if status != StatusCode::OK {
            return Ok((status, answer.text().await?, None));
        }
        let cache = answer
            .headers()
            .get("x-nova-cache")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        Ok((status, cache, answer.json().await.ok()))
    }

    /// A page of the feed.
    pub async fn page(&self, offset: usize, limit: usize) -> Feed {
        let page = self.page_when_there(offset, limit).await;
        page.unwrap_or_else(|said| panic!("GET /feed?offset={offset}&limit={limit}: {said}"))
    }
}

/// Status and text of an answer.
async fn read(response: Response) -> (StatusCode, String) {
    let status = response.status();
    (status, response.text().await.unwrap_or_default())
}
