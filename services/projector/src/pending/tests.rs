//! The projection as a value: whatever ClickHouse and Redis answer and however often they fail, every record is done once,
//! and never before what it says can be read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use nova_domain::CommentId;
use proptest::prelude::*;

use super::*;

const JITTER: f64 = 0.5;
/// What a look and a recount take.
const TOOK: Duration = Duration::from_millis(2);

/// A record's position without Kafka: made by the reader's own tracker.
fn position(topic: &str, offset: i64) -> Position {
    Position::for_tests(&Arc::from(topic), 0, offset)
}

fn change(fact: Fact, op: Op, lsn: u64) -> Change {
    Change {
        fact,
        removed: op == Op::Delete,
        lsn,
        op,
        source_ms: Some(1_000 + i64::try_from(lsn).unwrap()),
    }
}

fn like(post: PostId, user: UserId, lsn: u64) -> Message {
    Message::Change(change(Fact::Like { post, user }, Op::Create, lsn))
}

fn new_post(post: PostId, author: UserId, who: Visibility, created_at: DateTime<Utc>) -> Message {
    let fact = Fact::Post {
        post,
        author,
        created_at,
        visibility: Some(who),
        deleted: false,
    };
    Message::Change(change(fact, Op::Create, 7))
}

/// A projection whose clock and servers are in the test's hands.
struct Bench {
    pending: Pending,
    now: Instant,
    at: DateTime<Utc>,
}

impl Bench {
    fn new() -> Self {
        Self {
            pending: Pending::new(),
            now: Instant::now(),
            at: Utc::now(),
        }
    }

    fn take(&mut self, offset: i64, message: Message) {
        self.pending
            .take(position("cdc.likes", offset), message, self.now);
    }

    fn steps(&mut self) -> Vec<Step> {
        self.pending.steps(self.now)
    }

    fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn finish(&mut self, outcome: Outcome) {
        self.pending.finish(outcome, self.now, self.at, || JITTER);
    }

    fn done(&mut self) -> Vec<i64> {
        let done = self.pending.take_done();
        done.iter().map(|one| one.position.offset).collect()
    }

    /// Applies what has arrived; gives the other steps.
    fn apply(&mut self) {
        for step in self.steps() {
            match step {
                Step::Apply { entries } => self.finish(Outcome::Applied {
                    entries,
                    done: true,
                }),
                Step::Note { source_ms, .. } => self.finish(Outcome::Noted {
                    source_ms,
                    done: true,
                }),
                other => panic!("{other:?}"),
            }
        }
    }

    fn looked(&mut self, keys: Vec<FactKey>, versions: Option<HashMap<FactKey, u64>>) {
        self.finish(Outcome::Looked {
            keys,
            versions,
            took: TOOK,
        });
    }

    /// The one step there is to begin, apart from notes.
    fn only_step(&mut self) -> Step {
        let mut steps = self.steps();
        steps.retain(|step| !matches!(step, Step::Note { .. }));
        assert_eq!(steps.len(), 1, "{steps:?}");
        steps.remove(0)
    }

    fn look(&mut self) -> Vec<FactKey> {
        match self.only_step() {
            Step::Look { keys } => keys,
            other => panic!("{other:?}"),
        }
    }

    fn recount(&mut self) -> Vec<Recount> {
        match self.only_step() {
            Step::Recount { posts } => posts,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_like_is_done_when_clickhouse_has_it_and_the_counts_are_written() {
    let mut bench = Bench::new();
    let (post, user) = (PostId::generate(), UserId::generate());
    bench.take(1, like(post, user, 30));
    bench.apply();
    let keys = bench.look();
    assert_eq!(keys, [FactKey::Like(post, user)]);
    // An older version of the row is there, as after an unlike and a like.
    bench.looked(keys.clone(), Some(HashMap::from([(keys[0], 29)])));
    assert!(bench.steps().is_empty());
    bench.wait(50);
    let keys = bench.look();
    bench.looked(keys.clone(), Some(HashMap::from([(keys[0], 30)])));
    assert_eq!(bench.done(), [] as [i64; 0]);
    let posts = bench.recount();
    assert_eq!(posts[0].0, post);
    bench.finish(Outcome::Recounted {
        posts,
        sizes: Some(vec![(post, 1)]),
        took: TOOK,
    });
    assert_eq!(bench.done(), [1]);
    assert_eq!(bench.pending.len(), 0);
}

#[test]
fn a_fact_that_changes_all_the_time_holds_up_no_record() {
    let mut bench = Bench::new();
    let (post, user) = (PostId::generate(), UserId::generate());
    let key = FactKey::Like(post, user);
    bench.take(1, like(post, user, 10));
    bench.apply();
    let keys = bench.look();
    // Another change of the same like arrives while ClickHouse is being asked.
    bench.take(2, like(post, user, 20));
    bench.apply();
    bench.looked(keys, Some(HashMap::from([(key, 10)])));
    let posts = bench.recount();
    bench.finish(Outcome::Recounted {
        posts,
        sizes: Some(vec![(post, 1)]),
        took: TOOK,
    });
    assert_eq!(bench.done(), [1]);
    assert_eq!(bench.pending.len(), 1);
}

#[test]
fn servers_that_are_down_are_asked_again_and_again() {
    let mut bench = Bench::new();
    let (post, user) = (PostId::generate(), UserId::generate());
    bench.take(1, like(post, user, 10));
    for _ in 0..20 {
        let Step::Apply { entries } = bench.only_step() else {
            panic!("no application");
        };
        bench.finish(Outcome::Applied {
            entries,
            done: false,
        });
        assert!(bench.steps().is_empty(), "tried again without a pause");
        bench.wait(5_000);
    }
    bench.apply();
    // Whether the record was put aside is another question.
    bench.pending.overdue_asked = Some(bench.now + Duration::from_secs(3_600));
    for _ in 0..20 {
        let keys = bench.look();
        bench.looked(keys, None);
        assert!(bench.steps().is_empty(), "asked again without a pause");
        bench.wait(5_000);
    }
    let keys = bench.look();
    bench.looked(keys.clone(), Some(HashMap::from([(keys[0], 10)])));
    for _ in 0..20 {
        let posts = bench.recount();
        bench.finish(Outcome::Recounted {
            posts,
            sizes: None,
            took: TOOK,
        });
        assert!(bench.steps().is_empty(), "counted again without a pause");
        bench.wait(5_000);
    }
    assert_eq!(bench.done(), [] as [i64; 0]);
    let posts = bench.recount();
    bench.finish(Outcome::Recounted {
        posts,
        sizes: Some(vec![]),
        took: TOOK,
    });
    assert_eq!(bench.done(), [1]);
}

#[test]
fn a_large_post_rests_between_recounts_and_no_like_of_it_is_lost() {
    let mut bench = Bench::new();
    let post = PostId::generate();
    let recounted = |bench: &mut Bench, offset: i64, waits: u64| {
        let user = UserId::generate();
        bench.take(offset, like(post, user, 10));
        bench.apply();
        let keys = bench.look();
        bench.looked(keys.clone(), Some(HashMap::from([(keys[0], 10)])));
        if waits > 0 {
            assert!(bench.steps().is_empty());
            bench.wait(waits - 1);
            assert!(bench.steps().is_empty());
            bench.wait(1);
        }
        let posts = bench.recount();
        bench.finish(Outcome::Recounted {
            posts,
            sizes: Some(vec![(post, 50_000)]),
            took: TOOK,
        });
        assert_eq!(bench.done(), [offset]);
        // Looks rest so long.
        bench.wait(50);
    };
    recounted(&mut bench, 1, 0);
    recounted(&mut bench, 2, 450);
    bench.wait(10_000);
    recounted(&mut bench, 3, 0);
}

#[test]
fn recounts_rest_a_tenth_of_a_second() {
    let mut bench = Bench::new();
    let seen = |bench: &mut Bench, offset: i64| {
        let (post, user) = (PostId::generate(), UserId::generate());
        bench.take(offset, like(post, user, 10));
        bench.apply();
        let keys = bench.look();
        bench.looked(keys.clone(), Some(HashMap::from([(keys[0], 10)])));
    };
    seen(&mut bench, 1);
    counted(&mut bench);
    bench.wait(50);
    seen(&mut bench, 2);
    bench.wait(49);
    assert!(bench.steps().is_empty());
    bench.wait(1);
    assert_eq!(bench.recount().len(), 1);
}

#[test]
fn who_is_behind_counts_half_of_the_time_at_most() {
    let rest = |posts, took| rest_after_recount(posts, Duration::from_millis(took)).as_millis();
    let rests = [
        rest(1, 100),
        rest(499, 900),
        rest(500, 900),
        rest(2_000, 20),
    ];
    assert_eq!(rests, [100, 225, 900, 100]);
}

#[test]
fn a_recount_that_fails_is_tried_with_half_as_many_posts() {
    const POSTS: i64 = 3_000;
    let mut bench = Bench::new();
    let records: Vec<_> = (0..POSTS).map(|at| (at, 7)).collect();
    let keys = many(&mut bench, 1, &records);
    let asked = bench.look();
    bench.looked(asked, Some(keys.iter().map(|key| (*key, 7)).collect()));
    let next = |bench: &mut Bench, sizes: Option<Vec<(PostId, u64)>>| {
        bench.wait(60_000);
        let posts = bench.recount();
        let number = |(post, _): &Recount| post.uuid().as_u128().rotate_left(64);
        let falls = posts
            .windows(2)
            .filter(|two| number(&two[0]) > number(&two[1]));
        assert!(
            falls.count() <= 1,
            "once around, from the one that is due for longest"
        );
        let count = posts.len();
        bench.finish(Outcome::Recounted {
            posts,
            sizes,
            took: TOOK,
        });
        count
    };
    let failed: Vec<_> = (0..7).map(|_| next(&mut bench, None)).collect();
    assert_eq!(failed, [2_000, 1_000, 500, 250, 125, 62, 50]);
    let counted: Vec<_> = (0..4).map(|_| next(&mut bench, Some(vec![]))).collect();
    assert_eq!(counted, [50, 150, 250, 350]);
}

/// Likes of so many posts are read, each by somebody else, in partitions by turns; what comes back is looked for.
fn many(bench: &mut Bench, partitions: i32, records: &[(i64, u64)]) -> Vec<FactKey> {
    let topic = Arc::from("cdc.likes");
    let mut keys = Vec::new();
    for (number, (offset, lsn)) in records.iter().enumerate() {
        let (post, user) = (PostId::generate(), UserId::generate());
        let partition = i32::try_from(number).unwrap() % partitions;
        let position = Position::for_tests(&topic, partition, *offset);
        bench
            .pending
            .take(position, like(post, user, *lsn), bench.now);
        keys.push(FactKey::Like(post, user));
    }
    while !bench.pending.arrived.is_empty() {
        for step in bench.steps() {
            match step {
                Step::Apply { entries } => bench.finish(Outcome::Applied {
                    entries,
                    done: true,
                }),
                // Of those that were there first: nobody has anything yet.
                Step::Look { keys } => bench.looked(keys, None),
                Step::Note { source_ms, .. } => bench.finish(Outcome::Noted {
                    source_ms,
                    done: true,
                }),
                other => panic!("{other:?}"),
            }
        }
    }
    bench.wait(1_000);
    keys
}

fn counted(bench: &mut Bench) -> HashSet<PostId> {
    let posts = bench.recount();
    let ids: HashSet<_> = posts.iter().map(|(post, _)| *post).collect();
    bench.finish(Outcome::Recounted {
        posts,
        sizes: Some(vec![]),
        took: TOOK,
    });
    ids
}

#[test]
fn of_many_records_some_are_looked_for_and_those_before_them_are_there_too() {
    const RECORDS: i64 = 1_000;
    // How many of each partition ClickHouse has.
    const STORED: [i64; 2] = [301, 77];
    let mut bench = Bench::new();
    let records: Vec<_> = (0..RECORDS)
        .map(|at| (at / 2, 10 + u64::try_from(at).unwrap()))
        .collect();
    let keys = many(&mut bench, 2, &records);
    let stored = |number: usize| {
        let (offset, lsn) = records[number];
        (offset < STORED[number % 2]).then_some((keys[number], lsn))
    };
    let has: HashMap<_, _> = (0..keys.len()).filter_map(stored).collect();
    let asked = bench.look();
    assert!(asked.len() <= 64, "{}", asked.len());
    let versions = |asked: &[FactKey]| {
        let found = asked.iter().filter_map(|key| Some((*key, *has.get(key)?)));
        Some(found.collect::<HashMap<_, _>>())
    };
    bench.looked(asked.clone(), versions(&asked));
    let posts = counted(&mut bench);
    let post = |key: &FactKey| match key {
        FactKey::Like(post, _) => *post,
        other => panic!("{other:?}"),
    };
    let here: HashSet<_> = has.keys().map(post).collect();
    assert!(posts.is_subset(&here), "counted what is not there yet");
    // The step between two that were asked for is 500 / 32.
    assert!(posts.len() >= here.len() - 2 * 16, "{}", posts.len());
    // And so on, until the last is found by itself; what is not there stays.
    for _ in 0..40 {
        for step in bench.steps() {
            match step {
                Step::Look { keys } => {
                    let found = versions(&keys);
                    bench.looked(keys, found);
                }
                Step::Recount { posts } => bench.finish(Outcome::Recounted {
                    posts,
                    sizes: Some(vec![]),
                    took: TOOK,
                }),
                Step::Ask { .. } => bench.finish(Outcome::Asked {
                    put_aside: Some(HashSet::new()),
                }),
                Step::Note { source_ms, .. } => bench.finish(Outcome::Noted {
                    source_ms,
                    done: true,
                }),
                other => panic!("{other:?}"),
            }
        }
        bench.wait(200);
    }
    let left = usize::try_from(RECORDS).unwrap() - bench.done().len();
    assert_eq!(bench.pending.sizes().facts, left);
    let missing = keys.len() - has.len();
    assert!(
        (missing..missing + 2 * 16).contains(&left),
        "{left} left of {missing}"
    );
}

#[test]
fn a_record_that_is_delivered_again_says_nothing_of_changes_after_its_first_delivery() {
    let mut bench = Bench::new();
    bench.pending.facts = facts::Facts::asking(0, 100);
    // LSN 1 to 5, and then, after a restart of the connector, 1 and 2 again; ClickHouse has the first three records.
    let records = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)];
    let keys = many(&mut bench, 1, &records);
    let topic = Arc::from("cdc.likes");
    for (offset, number) in [(5, 0), (6, 1)] {
        let FactKey::Like(post, user) = keys[number] else {
            panic!("no like");
        };
        let again = like(post, user, records[number].1);
        bench
            .pending
            .take(Position::for_tests(&topic, 0, offset), again, bench.now);
    }
    let mut asked = Vec::new();
    for step in bench.steps() {
        match step {
            Step::Apply { entries } => bench.finish(Outcome::Applied {
                entries,
                done: true,
            }),
            Step::Look { keys } => asked = keys,
            Step::Ask { .. } | Step::Note { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    // The last delivery is found, by its first.
    assert_eq!(asked.len(), 5);
    bench.looked(asked, Some(HashMap::from([(keys[1], 2)])));
    let posts = counted(&mut bench);
    assert_eq!(posts.len(), 2, "of LSN 3 to 5 nothing is known");
    let mut done = bench.done();
    done.sort_unstable();
    assert_eq!(done, [0, 1, 5, 6]);
}

#[test]
fn a_new_post_is_announced_once_clickhouse_serves_it_and_then_counted() {
    let mut bench = Bench::new();
    let (post, author) = (PostId::generate(), UserId::generate());
    bench.take(1, new_post(post, author, Visibility::Followers, bench.at));
    bench.apply();
    let keys = bench.look();
    bench.looked(keys.clone(), Some(HashMap::from([(keys[0], 7)])));
    let Step::Mark { marks } = bench.only_step() else {
        panic!("no mark");
    };
    assert_eq!(marks.authors.len(), 1);
    assert_eq!(marks.authors[0].0, author);
    bench.finish(Outcome::Marked { marks, done: true });
    assert_eq!(bench.done(), [] as [i64; 0]);
    assert_eq!(bench.recount()[0].0, post);
}

#[test]
fn private_old_deleted_and_snapshot_posts_are_announced_to_nobody() {
    let (post, author, at) = (PostId::generate(), UserId::generate(), Utc::now());
    let fact = |created_at, deleted, visibility| Fact::Post {
        post,
        author,
        created_at,
        visibility: Some(visibility),
        deleted,
    };
    let next = |fact, op| next(&change(fact, op, 7), at);
    let public = Visibility::Public;
    let old = at - chrono::Duration::hours(73);
    assert_eq!(next(fact(old, false, public), Op::Create), Next::Nothing);
    assert_eq!(next(fact(at, true, public), Op::Create), Next::Nothing);
    assert_eq!(next(fact(at, false, public), Op::Read), Next::Nothing);
    assert_eq!(next(fact(at, true, public), Op::Update), Next::Nothing);
    assert_eq!(next(fact(at, false, public), Op::Update), Next::Nothing);
    let announced = |visibility| match next(fact(at, false, visibility), Op::Create) {
        Next::Wait(FactKey::Post { announced, .. }) => announced,
        other => panic!("{other:?}"),
    };
    assert!(announced(public) && announced(Visibility::Followers));
    assert!(!announced(Visibility::Private));
}

#[test]
fn a_record_that_clickhouse_has_put_aside_is_let_go() {
    let mut bench = Bench::new();
    bench.take(1, like(PostId::generate(), UserId::generate(), 10));
    bench.take(2, like(PostId::generate(), UserId::generate(), 20));
    bench.apply();
    let mut asked = Vec::new();
    for _ in 0..200 {
        for step in bench.steps() {
            match step {
                Step::Look { keys } => bench.looked(keys, Some(HashMap::new())),
                Step::Ask { positions } => {
                    asked = positions.iter().map(|one| one.offset).collect();
                    let put_aside = positions.into_iter().filter(|one| one.offset == 2);
                    let put_aside = Some(put_aside.collect());
                    bench.finish(Outcome::Asked { put_aside });
                }
                Step::Note { source_ms, .. } => bench.finish(Outcome::Noted {
                    source_ms,
                    done: true,
                }),
                other => panic!("{other:?}"),
            }
        }
        bench.wait(50);
    }
    asked.sort_unstable();
    assert_eq!(asked, [1]);
    assert_eq!(bench.done(), [2]);
    assert_eq!(bench.pending.sizes().facts, 1);
}

#[test]
fn the_pipeline_is_as_far_as_its_oldest_record() {
    let mut bench = Bench::new();
    let beat = |ms| Message::Heartbeat { source_ms: ms };
    bench.take(1, beat(5_000));
    bench.take(2, like(PostId::generate(), UserId::generate(), 500));
    bench.wait(600);
    bench.apply();
    // The like, of 1,500, is not projected: nothing newer counts.
    assert_eq!(bench.done(), [1]);
    assert_eq!(bench.pending.to_note().map(|ms| ms.min(1_500)), None);
    assert_eq!(bench.pending.noted.map(|(ms, _)| ms), Some(1_500));
    let keys = bench.look();
    bench.looked(keys.clone(), Some(HashMap::from([(keys[0], 500)])));
    let posts = bench.recount();
    bench.finish(Outcome::Recounted {
        posts,
        sizes: Some(vec![]),
        took: TOOK,
    });
    assert_eq!(bench.pending.to_note(), Some(5_000));
}

#[test]
fn draining_finishes_what_clickhouse_has_and_leaves_the_rest() {
    let mut bench = Bench::new();
    let (here, missing) = (PostId::generate(), PostId::generate());
    bench.take(1, like(here, UserId::generate(), 10));
    bench.take(2, like(missing, UserId::generate(), 10));
    bench.take(3, Message::Heartbeat { source_ms: 1 });
    bench.pending.drain(bench.now);
    assert!(!bench.pending.is_drained());
    bench.apply();
    let keys = bench.look();
    let has = keys
        .iter()
        .filter(|key| matches!(key, FactKey::Like(post, _) if *post == here));
    let versions = has.map(|key| (*key, 10)).collect();
    bench.looked(keys, Some(versions));
    let posts = bench.recount();
    assert!(!bench.pending.is_drained());
    bench.finish(Outcome::Recounted {
        posts,
        sizes: Some(vec![]),
        took: TOOK,
    });
    assert!(bench.pending.is_drained());
    let mut done = bench.done();
    done.sort_unstable();
    assert_eq!(done, [1, 3]);
}

fn message() -> impl Strategy<Value = Message> {
    let id = |kind: u128, number: u8| uuid::Uuid::from_u128(kind << 64 | u128::from(number));
    let post = move |number| PostId::new(id(1, number));
    let user = move |number| UserId::new(id(2, number));
    let op = prop_oneof![
        Just(Op::Create),
        Just(Op::Update),
        Just(Op::Delete),
        Just(Op::Read)
    ];
    let fact =
        (0_u8..5, 0_u8..4, 0_u8..4, any::<bool>()).prop_map(move |(kind, a, b, flag)| match kind {
            0 | 1 => Fact::Like {
                post: post(a),
                user: user(b),
            },
            2 => Fact::Comment {
                post: post(a),
                comment: CommentId::new(id(3, b)),
            },
            3 => Fact::Follow {
                follower: user(a),
                followee: user(b),
            },
            _ => Fact::Post {
                post: post(a),
                author: user(b),
                created_at: DateTime::UNIX_EPOCH,
                visibility: Some(Visibility::Public),
                deleted: flag,
            },
        });
    let changed =
        (fact, op, 1_u64..50).prop_map(|(fact, op, lsn)| Message::Change(change(fact, op, lsn)));
    prop_oneof![
        9 => changed,
        1 => (1_i64..2_000).prop_map(|source_ms| Message::Heartbeat { source_ms }),
    ]
}

/// Which of two partitions the records of a fact go to.
fn by_hash(key: &FactKey) -> bool {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish().is_multiple_of(2)
}

proptest! {
    /// Records arrive while steps run, fail and succeed in any order, and ClickHouse follows in its own time, each partition
    /// in its order.
    #[test]
    fn every_record_is_done_once_and_counted_after_clickhouse_has_it(
        messages in prop::collection::vec(message(), 1..60),
        choices in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, 0_u64..40), 100..400),
        few in 0_usize..6,
        spread in 1_usize..6,
    ) {
        let mut bench = Bench::new();
        bench.pending.facts = facts::Facts::asking(few, spread);
        bench.at = DateTime::UNIX_EPOCH + chrono::Duration::hours(1);
        let count = i64::try_from(messages.len()).unwrap();
        let topic = Arc::from("cdc.likes");
        let mut arriving: Vec<(Position, Message)> = Vec::new();
        // What Kafka has of each partition, and how much of it ClickHouse has stored.
        let mut partitions: [(Vec<(FactKey, u64)>, usize); 2] = Default::default();
        for (offset, mut message) in (0..).zip(messages) {
            let mut partition = 0;
            if let Message::Change(one) = &mut message {
                // Changes of transactions that overlap are not in the order of their LSN.
                one.lsn = (u64::try_from(offset).unwrap() + one.lsn % 8) * 64 + u64::try_from(offset).unwrap();
                if let Next::Wait(key) = next(one, bench.at) {
                    partition = usize::from(by_hash(&key));
                    partitions[partition].0.push((key, one.lsn));
                }
            }
            let partition = i32::try_from(partition).unwrap();
            arriving.push((Position::for_tests(&topic, partition, offset), message));
        }
        arriving.reverse();
        let mut likes: HashMap<i64, (PostId, FactKey, u64)> = HashMap::new();
        let mut clickhouse: HashMap<FactKey, u64> = HashMap::new();
        let mut running: Vec<Step> = Vec::new();
        // What each recount that began found: of every key, the version.
        let mut done: HashSet<i64> = HashSet::new();
        let mut written: HashMap<PostId, HashMap<FactKey, u64>> = HashMap::new();
        let mut begun: HashMap<Vec<PostId>, HashMap<FactKey, u64>> = HashMap::new();
        let ids = |posts: &[Recount]| posts.iter().map(|(post, _)| *post).collect::<Vec<_>>();
        let mut choices = choices.into_iter().cycle();
        for round in 0..20_000 {
            let (which, what, ms) = choices.next().unwrap();
            let ends = round > 2_000;
            match what {
                0 => {
                    if let Some((position, message)) = arriving.pop() {
                        let offset = position.offset;
                        if let Message::Change(one) = &message {
                            match one.fact {
                                Fact::Like { post, user } => {
                                    likes.insert(offset, (post, FactKey::Like(post, user), one.lsn));
                                }
                                Fact::Comment { post, comment } => {
                                    likes.insert(offset, (post, FactKey::Comment(post, comment), one.lsn));
                                }
                                _ => {}
                            }
                        }
                        bench.pending.take(position, message, bench.now);
                    }
                }
                1 => bench.wait(ms),
                2 if !running.is_empty() => {
                    let step = running.swap_remove(which.index(running.len()));
                    let fails = !ends && ms % 3 == 0;
                    let outcome = match step {
                        Step::Apply { entries } => Outcome::Applied { entries, done: !fails },
                        Step::Look { keys } => {
                            // ClickHouse takes in blocks of a partition, one after the other; in the end everything.
                            let takes = which.index(partitions.len());
                            for (at, (records, stored)) in partitions.iter_mut().enumerate() {
                                let block = match ends {
                                    true => records.len(),
                                    false if at == takes => usize::try_from(ms % 5).unwrap(),
                                    false => 0,
                                };
                                for (key, lsn) in records.iter().skip(*stored).take(block) {
                                    let version = clickhouse.entry(*key).or_default();
                                    *version = (*version).max(*lsn);
                                }
                                *stored = (*stored + block).min(records.len());
                            }
                            let versions = keys.iter().filter_map(|key| Some((*key, *clickhouse.get(key)?)));
                            Outcome::Looked {
                                versions: (!fails).then(|| versions.collect()),
                                took: Duration::from_millis(ms),
                                keys,
                            }
                        }
                        Step::Recount { posts } => {
                            let counted = begun.remove(&ids(&posts)).unwrap();
                            if !fails {
                                for (post, _) in &posts {
                                    written.insert(*post, counted.clone());
                                }
                            }
                            let sizes = posts.iter().map(|(post, _)| (*post, ms * 1_000));
                            Outcome::Recounted {
                                sizes: (!fails).then(|| sizes.collect()),
                                took: Duration::from_millis(ms),
                                posts,
                            }
                        }
                        Step::Mark { marks } => Outcome::Marked { marks, done: !fails },
                        Step::Ask { .. } => Outcome::Asked { put_aside: (!fails).then(HashSet::new) },
                        Step::Note { source_ms, .. } => Outcome::Noted { source_ms, done: !fails },
                    };
                    bench.finish(outcome);
                }
                _ => {
                    for step in bench.steps() {
                        if let Step::Recount { posts } = &step {
                            begun.insert(ids(posts), clickhouse.clone());
                        }
                        running.push(step);
                    }
                }
            }
            for offset in bench.done() {
                prop_assert!(done.insert(offset), "{offset} done twice");
                if let Some((post, key, lsn)) = likes.get(&offset) {
                    let counted = written[post].get(key).copied().unwrap_or(0);
                    prop_assert!(counted >= *lsn, "{offset}: {key:?} of {lsn} done, but {counted} was counted");
                }
            }
            if ends && arriving.is_empty() && bench.pending.len() == 0 {
                break;
            }
        }
        prop_assert_eq!(i64::try_from(done.len()).unwrap(), count, "{:?}", bench.pending);
    }
}
