//! Engaged authors and the follows of similar users against plain loops over random graphs.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::UserId;
use nova_olap::{SimilarLimits, UserCount};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::engine::{self, DEADLINE, insert, recounted};
use crate::rows::{CommentRow, FollowRow, LikeRow, PostRow};

const DAYS: u32 = 90;

/// A small network with the whole history of its likes and follows.
#[derive(Default)]
struct Network {
    users: Vec<Uuid>,
    posts: Vec<PostRow>,
    likes: Vec<LikeRow>,
    comments: Vec<CommentRow>,
    follows: Vec<FollowRow>,
}

impl Network {
    fn random(rng: &mut ChaCha8Rng, now: DateTime<Utc>) -> Self {
        let mut network = Self {
            users: (0..rng.random_range(2..30))
                .map(|_| Uuid::from_u128(rng.random()))
                .collect(),
            ..Self::default()
        };
        for _ in 0..rng.random_range(1..30) {
            let author = *network.users.choose(rng).unwrap();
            let at = now - TimeDelta::minutes(rng.random_range(0..60 * 24 * 80));
            let post = PostRow::new(Uuid::from_u128(rng.random()), author, at);
            network.posts.push(post);
        }
        network.likes(rng, now);
        network.follows(rng, now);
        for _ in 0..rng.random_range(0..30) {
            let post = network.posts.choose(rng).unwrap();
            let comment = CommentRow {
                comment_id: Uuid::from_u128(rng.random()),
                post_id: post.post_id,
                user_id: *network.users.choose(rng).unwrap(),
                author_id: post.author_id,
                created_at: time(rng, now),
                _version: 1,
                _deleted: 0,
            };
            network.comments.push(comment);
        }
        network.likes.shuffle(rng);
        network.follows.shuffle(rng);
        network
    }

    fn likes(&mut self, rng: &mut ChaCha8Rng, now: DateTime<Utc>) {
        // Of a post that never arrived, too.
        let unknown = (Uuid::from_u128(rng.random()), self.users[0]);
        for version in 1..rng.random_range(2..300) {
            let post = self.posts.choose(rng).unwrap();
            let (post_id, author_id) = if rng.random_bool(0.05) {
                unknown
            } else {
                (post.post_id, post.author_id)
            };
            let mut like = LikeRow {
                post_id,
                user_id: *self.users.choose(rng).unwrap(),
                author_id,
                created_at: time(rng, now),
                _version: version * 10,
                _deleted: 0,
            };
            self.likes.push(like.clone());
            if rng.random_bool(0.2) {
                like._version += 1;
                like._deleted = 1;
                self.likes.push(like);
            }
        }
    }

    fn follows(&mut self, rng: &mut ChaCha8Rng, now: DateTime<Utc>) {
        for version in 1..rng.random_range(2..150) {
            let mut follow = FollowRow {
                follower_id: *self.users.choose(rng).unwrap(),
                followee_id: *self.users.choose(rng).unwrap(),
                created_at: time(rng, now),
                _version: version * 10,
                _deleted: 0,
            };
            if follow.follower_id == follow.followee_id {
                continue;
            }
            self.follows.push(follow.clone());
            if rng.random_bool(0.2) {
                follow._version += 1;
                follow._deleted = 1;
                self.follows.push(follow);
            }
        }
    }
}

/// A network reduced to its latest states.
struct Reference {
    posts: HashSet<Uuid>,
    likes: Vec<LikeRow>,
    comments: Vec<CommentRow>,
    follows: Vec<FollowRow>,
    since: DateTime<Utc>,
}

impl Reference {
    fn new(network: &Network, now: DateTime<Utc>) -> Self {
        let mut likes = latest(&network.likes, |l| (l.post_id, l.user_id), |l| l._version);
        likes.retain(|like| like._deleted == 0);
        let mut follows = latest(
            &network.follows,
            |f| (f.follower_id, f.followee_id),
            |f| f._version,
        );
        follows.retain(|follow| follow._deleted == 0);
        Self {
            posts: network.posts.iter().map(|post| post.post_id).collect(),
            likes,
            comments: network.comments.clone(),
            follows,
            since: now - TimeDelta::days(i64::from(DAYS)),
        }
    }

    fn followed(&self, viewer: Uuid) -> HashSet<Uuid> {
        let own = self.follows.iter().filter(|f| f.follower_id == viewer);
        own.map(|f| f.followee_id).collect()
    }

    fn engaged(&self, viewer: Uuid, limit: u32) -> Vec<(u64, Uuid)> {
        let followed = self.followed(viewer);
        let likes = self
            .likes
            .iter()
            .map(|l| (l.user_id, l.author_id, l.created_at));
        let comments = self.comments.iter();
        let comments = comments.map(|c| (c.user_id, c.author_id, c.created_at));
        let authors = likes
            .chain(comments)
            .filter(|(user, author, at)| *user == viewer && *author != viewer && *at > self.since)
            .map(|(_, author, _)| author)
            .filter(|author| !followed.contains(author));
        most(authors, limit)
    }

    fn similar(&self, viewer: Uuid, limits: &SimilarLimits) -> Vec<(u64, Uuid)> {
        let own = self.likes.iter();
        let own = own.filter(|like| like.user_id == viewer && like.created_at > self.since);
        let mut liked: Vec<(DateTime<Utc>, Uuid)> =
            own.map(|like| (like.created_at, like.post_id)).collect();
        liked.sort_by(|a, b| b.cmp(a));
        liked.truncate(limits.max_likes as usize);

        let mut others = Vec::new();
        for (_, post) in liked {
            let likers: Vec<Uuid> = self
                .likes
                .iter()
                .filter(|like| like.post_id == post)
                .map(|like| like.user_id)
                .collect();
            if self.posts.contains(&post) && likers.len() <= limits.max_likers as usize {
                others.extend(likers.into_iter().filter(|user| *user != viewer));
            }
        }
        let similar = most(others.into_iter(), limits.max_similar);

        let followed = self.followed(viewer);
        let mut found = Vec::new();
        for (_, user) in similar {
            let theirs = self.follows.iter().filter(|f| f.follower_id == user);
            let mut theirs: Vec<(DateTime<Utc>, Uuid)> =
                theirs.map(|f| (f.created_at, f.followee_id)).collect();
            theirs.sort_by(|a, b| b.cmp(a));
            theirs.truncate(limits.max_follows as usize);
            found.extend(theirs.into_iter().map(|(_, followee)| followee));
        }
        let found = found.into_iter();
        most(
            found.filter(|user| *user != viewer && !followed.contains(user)),
            limits.max_users,
        )
    }
}

/// The row of the highest version of each key.
fn latest<T: Clone, K: Hash + Eq>(
    rows: &[T],
    key: impl Fn(&T) -> K,
    version: impl Fn(&T) -> u64,
) -> Vec<T> {
    let mut last: HashMap<K, T> = HashMap::new();
    for row in rows {
        let newer = last
            .get(&key(row))
            .is_none_or(|known| version(row) > version(known));
        if newer {
            last.insert(key(row), row.clone());
        }
    }
    last.into_values().collect()
}

/// How often each occurs: most first, then the greater id.
fn most(users: impl Iterator<Item = Uuid>, limit: u32) -> Vec<(u64, Uuid)> {
    let mut times: HashMap<Uuid, u64> = HashMap::new();
    for user in users {
        *times.entry(user).or_default() += 1;
    }
    let mut found: Vec<(u64, Uuid)> = times.into_iter().map(|(user, n)| (n, user)).collect();
    found.sort_by(|a, b| b.cmp(a));
    found.truncate(limit as usize);
    found
}

/// Around the edge of the window, shared by many, or anywhere.
fn time(rng: &mut ChaCha8Rng, now: DateTime<Utc>) -> DateTime<Utc> {
    match rng.random_range(0..4) {
        0 => {
            now - TimeDelta::days(i64::from(DAYS))
                + TimeDelta::microseconds(rng.random_range(-1..=1))
        }
        1 => now - TimeDelta::hours(rng.random_range(1..3)),
        _ => now - TimeDelta::minutes(rng.random_range(0..60 * 24 * 85)),
    }
}

fn plain(found: Vec<UserCount>) -> Vec<(u64, Uuid)> {
    let user = |found: UserCount| (found.count, found.user_id.uuid());
    found.into_iter().map(user).collect()
}

#[tokio::test]
async fn suggestions_are_what_a_computation_over_the_graph_gives() {
    let (olap, _stack) = engine::start().await;
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 123_456_000).unwrap();
    let networks: Vec<Network> = (0..60).map(|_| Network::random(&mut rng, now)).collect();
    let all = |rows: fn(&Network) -> &[LikeRow]| -> Vec<LikeRow> {
        networks.iter().flat_map(rows).cloned().collect()
    };
    insert(&olap, "likes_cdc", &all(|n| &n.likes)).await;
    let posts: Vec<PostRow> = networks.iter().flat_map(|n| n.posts.clone()).collect();
    insert(&olap, "posts_cdc", &posts).await;
    let comments: Vec<CommentRow> = networks.iter().flat_map(|n| n.comments.clone()).collect();
    insert(&olap, "comments_cdc", &comments).await;
    let follows: Vec<FollowRow> = networks.iter().flat_map(|n| n.follows.clone()).collect();
    insert(&olap, "follows_cdc", &follows).await;
    recounted(&olap, "post_engagement").await;

    let mut found = [0, 0];
    for (number, network) in networks.iter().enumerate() {
        let reference = Reference::new(network, now);
        for viewer in network.users.choose_multiple(&mut rng, 4) {
            let generous = rng.random_bool(0.4);
            let mut bound = |small: u32, large: u32| {
                if generous {
                    large
                } else {
                    rng.random_range(1..=small)
                }
            };
            let limits = SimilarLimits {
                interaction_days: DAYS,
                max_likes: bound(6, 200),
                max_likers: bound(12, 500),
                max_similar: bound(4, 50),
                max_follows: bound(4, 200),
                max_users: bound(5, 500),
            };
            let id = UserId::new(*viewer);
            let engaged = olap
                .engaged_authors(id, now, DAYS, limits.max_users, DEADLINE)
                .await;
            let engaged = plain(engaged.unwrap());
            assert_eq!(
                engaged,
                reference.engaged(*viewer, limits.max_users),
                "engaged, network {number}, {limits:?}"
            );
            let similar = olap.similar_users_follows(id, now, &limits, DEADLINE).await;
            let similar = plain(similar.unwrap());
            assert_eq!(
                similar,
                reference.similar(*viewer, &limits),
                "similar, network {number}, {limits:?}"
            );
            found[0] += engaged.len();
            found[1] += similar.len();
        }
    }
    // Random graphs that find nothing would prove nothing.
    assert!(found.iter().all(|n| *n > 300), "{found:?}");
}
