//! Users worth following and posts worth seeing.

use nova_e2e::{Person, run, shared, wait_until};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::ARRIVES;

async fn suggested(viewer: &Person) -> Vec<Value> {
    let answer = viewer
        .expect(
            Method::GET,
            "/discover/suggested-users",
            None,
            StatusCode::OK,
        )
        .await;
    answer["users"].as_array().cloned().unwrap_or_default()
}

fn of<'a>(users: &'a [Value], person: &Person) -> Option<&'a Value> {
    users
        .iter()
        .find(|user| user["user_id"] == person.id.to_string())
}

#[test]
fn authors_engaged_with_and_those_that_similar_users_follow_are_suggested() {
    run(async {
        let world = shared().await;
        let liked = world.person().await;
        let followed_by_similar = world.person().await;
        let posts = [liked.post("one").await, liked.post("two").await];
        let similar = world.people(3).await;
        for user in &similar {
            user.follow(followed_by_similar.id).await;
            for post in posts {
                user.like(post).await;
            }
        }
        let viewer = world.person().await;
        for post in posts {
            viewer.like(post).await;
        }
        // Suggestions are kept for a while: asked for when everything they are made of has arrived.
        for user in similar.iter().chain([&viewer]) {
            let likes = format!(
                "SELECT count() FROM user_author_90d FINAL WHERE user_id = '{}'",
                user.id
            );
            world.becomes(&likes, 2, ARRIVES).await;
        }
        let follows = format!(
            "SELECT count() FROM follow_graph FINAL WHERE followee_id = '{}'",
            followed_by_similar.id
        );
        world.becomes(&follows, 3, ARRIVES).await;
        let recounts = format!(
            "SELECT sum(likes) FROM post_engagement FINAL WHERE post_id IN ('{}', '{}')",
            posts[0], posts[1]
        );
        world.becomes(&recounts, 8, ARRIVES).await;
        let users = suggested(&viewer).await;
        for (person, kind) in [(&liked, "engaged"), (&followed_by_similar, "similar")] {
            let user = of(&users, person).unwrap_or_else(|| panic!("{kind} in {users:?}"));
            assert_eq!(user["reason"]["kind"], kind, "{user}");
        }
        assert!(users.len() <= 20);
        assert!(of(&users, &viewer).is_none(), "oneself");
        let scores: Vec<f64> = users.iter().filter_map(|u| u["score"].as_f64()).collect();
        assert_eq!(scores.len(), users.len());
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");

        // Followed or blocked: gone from the very next answer, on whichever side the block is.
        viewer.follow(liked.id).await;
        assert!(of(&suggested(&viewer).await, &liked).is_none());
        followed_by_similar.block(viewer.id).await;
        assert!(of(&suggested(&viewer).await, &followed_by_similar).is_none());
    });
}

#[test]
fn a_newcomer_is_suggested_somebody() {
    run(async {
        let world = shared().await;
        let star = world.person().await;
        for fan in world.people(4).await {
            fan.follow(star.id).await;
        }
        wait_until("popular users", ARRIVES, || async {
            let users = suggested(&world.person().await).await;
            let popular = users.iter().any(|user| user["reason"]["kind"] == "popular");
            if popular && users.iter().all(|user| user["handle"].is_string()) {
                Ok(())
            } else {
                Err(format!("{users:?}"))
            }
        })
        .await;
    });
}

#[test]
fn trending_shows_the_hot_posts_of_the_last_hour_to_whom_may_see_them() {
    run(async {
        let world = shared().await;
        let author = world.person().await;
        let viewer = world.person().await;
        let (public, followers) = (
            author.post("hot").await,
            author.post_as("not for all", "followers").await,
        );
        for fan in world.people(12).await {
            fan.follow(author.id).await;
            fan.like(public).await;
            fan.like(followers).await;
        }
        let posts = |answer: &Value| -> Vec<String> {
            answer["items"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item["post_id"].as_str().map(str::to_owned))
                .collect()
        };
        let path = "/discover/trending?limit=100";
        // The list is made every 60 s; this makes it now.
        wait_until("the hot post", ARRIVES, || async {
            world.nova(&["jobs", "run", "HotPostGenerator"]).await?;
            let answer = viewer.expect(Method::GET, path, None, StatusCode::OK).await;
            let shown = posts(&answer);
            if shown.contains(&public.to_string()) {
                assert!(!shown.contains(&followers.to_string()));
                Ok(())
            } else {
                Err(answer.to_string())
            }
        })
        .await;
        author.block(viewer.id).await;
        let answer = viewer.expect(Method::GET, path, None, StatusCode::OK).await;
        assert!(!posts(&answer).contains(&public.to_string()), "blocked");
        let other = world.person().await;
        author.delete_post(public).await;
        let answer = other.expect(Method::GET, path, None, StatusCode::OK).await;
        assert!(!posts(&answer).contains(&public.to_string()), "deleted");
    });
}
