//! The probe with a feed of its own making.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nova_domain::{PostId, UserId};
use uuid::Uuid;

use super::*;

/// A long feed with one post that matters.
struct Fake {
    posts: Mutex<Vec<ShownPost>>,
    asked: AtomicUsize,
    read: AtomicUsize,
}

impl Fake {
    fn new(posts: usize) -> Self {
        let post = |n: usize| ShownPost {
            post_id: Uuid::from_u128(n as u128).into(),
            likes: 0,
        };
        Self {
            posts: Mutex::new((0..posts).map(post).collect()),
            asked: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
        }
    }
}

impl CanaryFeed for Fake {
    fn page(&self, _viewer: UserId, offset: u32, limit: u32) -> PageFuture<'_> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let posts = self.posts.lock().unwrap();
            let page: Vec<ShownPost> = posts
                .iter()
                .skip(offset as usize)
                .take(limit as usize)
                .copied()
                .collect();
            self.read.fetch_add(page.len(), Ordering::SeqCst);
            Ok(page)
        })
    }
}

#[tokio::test]
async fn a_post_is_searched_for_once_and_then_looked_at() {
    let feed = Fake::new(350);
    let post: PostId = Uuid::from_u128(230).into();
    let mut watch = Watch::new(&feed, Canary::Viewer.id(), post);
    assert_eq!(watch.look().await.unwrap(), Some(0));
    assert_eq!(feed.asked.load(Ordering::SeqCst), 3);
    feed.posts.lock().unwrap()[230].likes = 1;
    assert_eq!(watch.look().await.unwrap(), Some(1));
    assert_eq!(feed.asked.load(Ordering::SeqCst), 4);
    assert_eq!(
        feed.read.load(Ordering::SeqCst),
        301,
        "a page of one post, once it is found"
    );
}

#[tokio::test]
async fn a_post_that_moved_is_found_again() {
    let feed = Fake::new(20);
    let post: PostId = Uuid::from_u128(5).into();
    let mut watch = Watch::new(&feed, Canary::Viewer.id(), post);
    assert_eq!(watch.look().await.unwrap(), Some(0));
    feed.posts.lock().unwrap().swap(5, 17);
    assert_eq!(watch.look().await.unwrap(), Some(0));
    feed.posts.lock().unwrap().retain(|p| p.post_id != post);
    assert_eq!(watch.look().await.unwrap(), None);
    assert_eq!(watch.last(), None);
}

#[tokio::test]
async fn an_endless_feed_is_not_searched_without_end() {
    let feed = Fake::new(5_000);
    let post: PostId = Uuid::from_u128(4_000).into();
    let mut watch = Watch::new(&feed, Canary::Viewer.id(), post);
    assert_eq!(watch.look().await.unwrap(), None);
    assert_eq!(feed.asked.load(Ordering::SeqCst), 10);
}
