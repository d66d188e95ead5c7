//! Walking through a feed while everything moves underneath.

use std::collections::HashSet;

use nova_domain::PostId;
use nova_e2e::{Person, World, run, shared, wait_until};
use reqwest::{Method, StatusCode};

use crate::ARRIVES;

const AUTHORS: usize = 6;
const POSTS: usize = 5;
const PAGE: usize = 4;

/// A viewer with a feed of [`AUTHORS`] × [`POSTS`] posts.
async fn reader(world: &World) -> (Person, Vec<Person>, Vec<PostId>) {
    let viewer = world.person().await;
    let authors = world.people(AUTHORS).await;
    let mut posts = Vec::new();
    for author in &authors {
        viewer.follow(author.id).await;
        for number in 0..POSTS {
            posts.push(author.post_as(&format!("post {number}"), "followers").await);
        }
    }
    wait_until("all posts in the feed", ARRIVES, || async {
        let feed = viewer.feed_when_there().await?;
        let found = posts.iter().filter(|p| feed.item(**p).is_some()).count();
        if found == posts.len() {
            Ok(())
        } else {
            Err(format!("{found} of {}", posts.len()))
        }
    })
    .await;
    (viewer, authors, posts)
}

/// What moves between two pages: everything that could shift a list.
async fn disturb(world: &World, authors: &[Person], step: usize) {
    let author = &authors[step % authors.len()];
    let post = author.post_as("in between", "followers").await;
    for liker in world.people(2).await {
        liker.follow(author.id).await;
        liker.like(post).await;
    }
}

#[test]
fn pages_by_cursor_repeat_and_skip_nothing() {
    run(async {
        let world = shared().await;
        let (viewer, authors, posts) = reader(&world).await;
        let mut page = viewer.page(0, PAGE).await;
        let snapshot = page.snapshot;
        let mut seen = Vec::new();
        for step in 0.. {
            assert_eq!(page.snapshot, snapshot, "one ranking for the whole walk");
            seen.extend(page.items.iter().map(|item| item.post_id));
            let Some(cursor) = page.next_cursor else {
                break;
            };
            disturb(&world, &authors, step).await;
            page = viewer.page_at(&cursor, PAGE).await;
        }
        let distinct: HashSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "a post came twice");
        assert!(posts.iter().all(|post| distinct.contains(post)));
    });
}

#[test]
fn pages_by_offset_repeat_and_skip_nothing_though_posts_vanish() {
    run(async {
        let world = shared().await;
        let (viewer, authors, posts) = reader(&world).await;
        let (mut seen, mut deleted) = (Vec::<PostId>::new(), HashSet::new());
        let mut offset = 0;
        loop {
            let page = viewer.page(offset, PAGE).await;
            if page.items.is_empty() {
                break;
            }
            for item in &page.items {
                assert!(!deleted.contains(&item.post_id), "a deleted post");
            }
            offset += page.items.len();
            seen.extend(page.items.iter().map(|item| item.post_id));
            // One that was seen goes, and one that was not.
            let ahead = posts.iter().rposition(|post| !seen.contains(post));
            let behind = posts
                .iter()
                .position(|post| seen.contains(post) && !deleted.contains(post));
            for place in [ahead, behind].into_iter().flatten() {
                if deleted.insert(posts[place]) {
                    authors[place / POSTS].delete_post(posts[place]).await;
                }
            }
        }
        let distinct: HashSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "a post came twice");
        for post in &posts {
            assert!(
                distinct.contains(post) || deleted.contains(post),
                "{post} was skipped"
            );
        }
    });
}

#[test]
fn a_cursor_is_for_one_viewer_and_cannot_be_made() {
    run(async {
        let world = shared().await;
        let (viewer, _, _) = reader(&world).await;
        let cursor = viewer.page(0, PAGE).await.next_cursor.expect("more pages");
        let other = world.person().await;
        let mut changed = cursor.clone().into_bytes();
        let middle = changed.len() / 2;
        changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        for (who, bad) in [
            (&other, cursor.as_str()),
            (&viewer, changed.as_str()),
            (&viewer, &cursor[..cursor.len() - 1]),
            (&viewer, "AAAA"),
            (&viewer, "%F0%9F%90%99"),
        ] {
            let path = format!("/feed?cursor={bad}");
            let problem = who
                .expect(Method::GET, &path, None, StatusCode::BAD_REQUEST)
                .await;
            assert!(problem.to_string().contains("cursor"), "{problem}");
        }
        let both = format!("/feed?cursor={cursor}&offset=4");
        viewer
            .expect(Method::GET, &both, None, StatusCode::BAD_REQUEST)
            .await;
        assert_eq!(viewer.page_at(&cursor, PAGE).await.restarted, None);
    });
}

#[test]
fn an_expired_cursor_starts_afresh_and_says_so() {
    run(async {
        let world = shared().await;
        let (viewer, _, posts) = reader(&world).await;
        let first = viewer.page(0, PAGE).await;
        let cursor = first.next_cursor.expect("more pages");
        world.forget_feeds_of(viewer.id).await;
        let fresh = viewer.page_at(&cursor, PAGE).await;
        assert_eq!(fresh.restarted.as_deref(), Some("cursor_expired"));
        assert_ne!(fresh.snapshot, first.snapshot);
        assert!(fresh.items.iter().any(|i| posts.contains(&i.post_id)));
    });
}
