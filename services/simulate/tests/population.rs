//! The rows of a population, at sizes that fit a test.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "in helpers of tests; clippy exempts only the tests themselves. Counts are small"
)]

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::EventType;
use nova_simulate::bulk::{Model, Size};
use proptest::prelude::*;

fn base() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

const SMALL: Size = Size {
    users: 200,
    posts: 500,
    follows: 3_000,
    likes: 6_000,
    comments: 600,
    events: 6_000,
};

fn sizes() -> impl Strategy<Value = Size> {
    (20_u32..200, 1_u32..300).prop_flat_map(|(users, posts)| {
        let (u, p) = (u64::from(users), u64::from(posts));
        (
            u..=(u * (u - 1) / 3).max(u),
            0..=p * (u - 1) / 3,
            0..=p * u / 10,
            0..=p * 20,
        )
            .prop_map(move |(follows, likes, comments, events)| Size {
                users,
                posts,
                follows,
                likes,
                comments,
                events,
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_row_is_right_and_the_counts_are_exact(size in sizes(), seed in any::<u64>()) {
        let model = Model::new(size, seed, base()).unwrap();
        let users = model.users(0..size.users).unwrap();
        let born: HashMap<_, _> = users.iter().map(|user| (user.user_id, user.created_at)).collect();
        prop_assert_eq!(born.len(), size.users as usize);
        prop_assert!(users.windows(2).all(|pair| pair[0].user_id < pair[1].user_id));
        let handles: HashSet<_> = users.iter().map(|user| user.handle.as_str()).collect();
        prop_assert_eq!(handles.len(), users.len());

        let posts = model.posts(0..size.posts).unwrap();
        let by_id: HashMap<_, _> = posts.iter().map(|post| (post.post_id, post)).collect();
        prop_assert_eq!(by_id.len(), size.posts as usize);
        prop_assert!(posts.windows(2).all(|pair| pair[0].post_id < pair[1].post_id && pair[0].created_at < pair[1].created_at));
        for post in &posts {
            prop_assert!(born[&post.author_id] < post.created_at && post.created_at < base());
        }

        let follows = model.follows(0..size.users);
        prop_assert_eq!(follows.len() as u64, size.follows);
        let pairs: HashSet<_> = follows.iter().map(|f| (f.follower_id, f.followee_id)).collect();
        prop_assert_eq!(pairs.len(), follows.len());
        for f in &follows {
            prop_assert!(f.follower_id != f.followee_id);
            prop_assert!(born[&f.follower_id] <= f.created_at && born[&f.followee_id] <= f.created_at && f.created_at <= base());
        }

        let likes = model.likes(0..size.posts);
        prop_assert_eq!(likes.len() as u64, size.likes);
        let pairs: HashSet<_> = likes.iter().map(|like| (like.post_id, like.user_id)).collect();
        prop_assert_eq!(pairs.len(), likes.len());
        for like in &likes {
            let post = by_id[&like.post_id];
            prop_assert_eq!(post.author_id, like.author_id);
            prop_assert!(like.user_id != like.author_id && born.contains_key(&like.user_id));
            prop_assert!(post.created_at <= like.created_at && like.created_at <= base());
        }

        let comments = model.comments(0..size.posts).unwrap();
        prop_assert_eq!(comments.len() as u64, size.comments);
        let ids: HashSet<_> = comments.iter().map(|comment| comment.comment_id).collect();
        prop_assert_eq!(ids.len(), comments.len());
        for comment in &comments {
            let post = by_id[&comment.post_id];
            prop_assert_eq!(post.author_id, comment.author_id);
            prop_assert!(born.contains_key(&comment.user_id));
            prop_assert!(post.created_at <= comment.created_at && comment.created_at <= base());
        }

        let events = model.events(0..size.posts);
        prop_assert_eq!(events.len() as u64, size.events);
        let ids: HashSet<_> = events.iter().map(|event| event.event_id).collect();
        prop_assert_eq!(ids.len(), events.len());
        for event in &events {
            let post = by_id[&event.post_id];
            prop_assert_eq!(post.author_id, event.author_id);
            prop_assert!(born.contains_key(&event.user_id));
            // Events are told to the millisecond.
            prop_assert!(post.created_at - TimeDelta::milliseconds(1) < event.occurred_at && event.occurred_at <= base());
        }
    }

    #[test]
    fn any_part_is_made_without_the_rest(seed in any::<u64>(), cut in 0_u32..200) {
        let model = Model::new(SMALL, seed, base()).unwrap();
        let again = Model::new(SMALL, seed, base()).unwrap();
        let (rest, first) = std::thread::scope(|scope| {
            let rest = scope.spawn(|| again.likes(cut..SMALL.posts));
            (rest.join().unwrap(), again.likes(0..cut))
        });
        prop_assert_eq!(model.likes(0..SMALL.posts), [first, rest].concat());
        prop_assert_eq!(model.follows(0..SMALL.users), [again.follows(0..cut), again.follows(cut..SMALL.users)].concat());
        let events = [again.events(0..cut), again.events(cut..SMALL.posts)].concat();
        prop_assert_eq!(model.events(0..SMALL.posts), events);
    }
}

#[test]
fn the_first_rows() {
    let model = Model::new(SMALL, 1, base()).unwrap();
    insta::assert_debug_snapshot!((
        model.users(0..2).unwrap(),
        model.posts(0..2).unwrap(),
        &model.follows(0..20)[..2],
        &model.likes(0..500)[..2],
        &model.comments(0..500).unwrap()[..2],
        &model.events(0..500)[..2],
    ));
}

#[test]
fn another_seed_or_time_is_another_population() {
    let ids = |seed, base| Model::new(SMALL, seed, base).unwrap().user(7);
    assert_eq!(ids(1, base()), ids(1, base()));
    assert_ne!(ids(1, base()), ids(2, base()));
    assert_ne!(ids(1, base()), ids(1, base() + TimeDelta::milliseconds(1)));
}

#[test]
fn a_size_that_cannot_be_is_refused() {
    for size in [
        Size { users: 19, ..SMALL },
        Size { posts: 0, ..SMALL },
        Size {
            follows: 199,
            ..SMALL
        },
        Size {
            follows: 13_300,
            ..SMALL
        },
        Size {
            likes: 33_200,
            ..SMALL
        },
    ] {
        assert!(Model::new(size, 1, base()).is_err(), "{size:?}");
    }
}

const MIDDLE: Size = Size {
    users: 6_000,
    posts: 20_000,
    follows: 600_000,
    likes: 200_000,
    comments: 20_000,
    events: 200_000,
};

#[test]
fn follows_are_shared_out_as_promised() {
    let model = Model::new(MIDDLE, 1, base()).unwrap();
    let counts: Vec<u64> = (0..MIDDLE.users).map(|u| model.follow_count(u)).collect();
    assert_eq!(counts.iter().filter(|n| **n == 0).count(), 300);
    assert_eq!(counts.iter().filter(|n| **n > 1_000).count(), 120);
    let mut followers: HashMap<_, u32> = HashMap::new();
    for follow in model.follows(0..MIDDLE.users) {
        *followers.entry(follow.followee_id).or_default() += 1;
    }
    let mut followers: Vec<u32> = followers.into_values().collect();
    followers.sort_unstable_by(|a, b| b.cmp(a));
    assert!((2_100..=3_000).contains(&followers[0]), "{}", followers[0]);
    let all: u32 = followers.iter().sum();
    let first: u32 = followers.iter().take(600).sum();
    assert!(
        first * 10 > all * 4,
        "10 % of the users have 40 % of the followers: {first} of {all}"
    );
}

#[test]
fn engagement_follows_zipf_and_differs_by_post() {
    let model = Model::new(MIDDLE, 1, base()).unwrap();
    let of = |count: fn(&Model, u32) -> u64| -> Vec<u64> {
        (0..MIDDLE.posts).map(|post| count(&model, post)).collect()
    };
    let likes = of(Model::like_count);
    let mut ranked = likes.clone();
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    assert!((2_700..3_000).contains(&ranked[0]), "{}", ranked[0]);
    // A tenth of the rank is ten times the likes.
    let ratio = ranked[100] as f64 / ranked[1_000] as f64;
    assert!((8.0..11.0).contains(&ratio), "{ratio}");
    // Of the posts with 20 likes or more, some have twice as many likes for each event as others.
    let events = of(Model::event_count);
    let mut rates: Vec<f64> = likes
        .iter()
        .zip(&events)
        .filter(|(likes, _)| **likes >= 20)
        .map(|(likes, events)| *likes as f64 / *events.max(&1) as f64)
        .collect();
    rates.sort_unstable_by(f64::total_cmp);
    let (low, high) = (rates[rates.len() / 10], rates[rates.len() * 9 / 10]);
    assert!(high > 2.0 * low, "{low} to {high}");
}

#[test]
fn the_same_people_come_back_to_an_author() {
    let model = Model::new(MIDDLE, 1, base()).unwrap();
    let mut interactions: BTreeMap<_, u32> = BTreeMap::new();
    for like in model.likes(0..MIDDLE.posts) {
        *interactions
            .entry((like.user_id, like.author_id))
            .or_default() += 1;
    }
    let repeated: u32 = interactions.values().filter(|n| **n > 1).sum();
    let all: u32 = interactions.values().sum();
    assert!(repeated * 5 > all, "{repeated} of {all} likes");
}

#[test]
fn kinds_of_events_have_their_shares() {
    let model = Model::new(MIDDLE, 1, base()).unwrap();
    let mut kinds: HashMap<EventType, u32> = HashMap::new();
    for event in model.events(0..MIDDLE.posts) {
        *kinds.entry(event.event_type).or_default() += 1;
        assert_eq!(
            event.dwell_ms.is_some(),
            event.event_type == EventType::View
        );
    }
    for (kind, expected) in [
        (EventType::Impression, 0.70),
        (EventType::View, 0.25),
        (EventType::Share, 0.05),
    ] {
        let share = f64::from(kinds[&kind]) / 200_000.0;
        assert!((share - expected).abs() < 0.005, "{kind}: {share}");
    }
}
