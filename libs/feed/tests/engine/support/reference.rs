//! The whole ranking by plain loops: the stages as they are described, on whole lists, one after the other.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::brute::{Counts, Post, World, newest_first};
use super::graph::{Case, RedisState, Word};

/// A line of the whole ranking.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) post: Post,
    /// `follow`, `trending`, `affinity`, in this order.
    pub(crate) sources: Vec<&'static str>,
    pub(crate) counts: Counts,
    /// freshness, engagement, affinity, score
    pub(crate) terms: [f64; 4],
    pub(crate) liked: bool,
    pub(crate) visibility: &'static str,
    /// By score alone, from 1.
    pub(crate) rank: u32,
}

/// A filter: its name, and how many it kept, removed and moved.
pub(crate) type Step = (&'static str, usize, usize, usize);

/// A ranking and how it came about.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) lines: Vec<Line>,
    pub(crate) degraded: BTreeSet<&'static str>,
    /// Candidates of F1, F2, F3.
    pub(crate) found: [usize; 3],
    pub(crate) merged: usize,
    /// Posts counted by Redis, and by ClickHouse.
    pub(crate) counted: [usize; 2],
    pub(crate) steps: Vec<Step>,
    /// Posts that diversity put further back.
    pub(crate) deferred: Option<usize>,
}

/// The case once more, after its ranking: what Redis did not know of a post it was left.
pub(crate) fn after(case: &Case) -> Case {
    let world = World::new(case);
    let mut next = case.clone();
    let arrived = world.posts.iter().map(|p| p.post_id);
    // Posts of new follows that have not arrived were candidates too, and nobody has touched them as far as is known.
    let told: Vec<Uuid> = case.postgres.words.keys().copied().collect();
    let kept: Vec<Uuid> = case.counters.keys().copied().collect();
    for post in arrived.chain(told).chain(kept) {
        let [likes, comments, shares, impressions] = world.counts(post);
        let counters = next.counters.entry(post).or_default();
        counters.counts.get_or_insert([likes, comments]);
        counters.events.get_or_insert([shares, impressions]);
    }
    next
}

struct Stages<'a> {
    case: &'a Case,
    world: World<'a>,
    answer: Expected,
}

/// The ranking of a case.
pub(crate) fn ranking(case: &Case) -> Expected {
    let mut stages = Stages {
        case,
        world: World::new(case),
        answer: Expected::default(),
    };
    let mut lines = stages.candidates();
    stages.filters(&mut lines);
    lines.sort_by_key(|line| std::cmp::Reverse((line.post.created_at, line.post.post_id)));
    // Stable: among equals the newest stays first.
    lines.sort_by(|a, b| b.terms[3].total_cmp(&a.terms[3]));
    for (rank, line) in (1..).zip(&mut lines) {
        line.rank = rank;
    }
    let unseen = stages.seen(&mut lines);
    stages.answer.lines = stages.diversity(lines, unseen);
    stages.degraded();
    stages.answer
}

impl Stages<'_> {
    fn candidates(&mut self) -> Vec<Line> {
        let lists = [
            ("follow", self.follow()),
            ("trending", self.world.trending()),
            ("affinity", self.world.affinity()),
        ];
        self.answer.found = [lists[0].1.len(), lists[1].1.len(), lists[2].1.len()];
        let mut posts: Vec<Post> = lists.iter().flat_map(|(_, posts)| posts.clone()).collect();
        let mut known = HashSet::new();
        posts.retain(|p| known.insert(p.post_id));
        self.answer.merged = posts.len();
        if self.case.config.filters.own {
            let before = posts.len();
            posts.retain(|p| p.author_id != self.case.viewer);
            let step = ("own", posts.len(), before - posts.len(), 0);
            self.answer.steps.push(step);
        }
        let interactions = self.world.interactions();
        let mut lines = Vec::new();
        for post in posts {
            let counts = self.counts(post.post_id);
            let times = interactions.get(&post.author_id).map_or(0, Vec::len);
            let sources = lists
                .iter()
                .filter(|(_, list)| list.iter().any(|p| p.post_id == post.post_id));
            let mut line = Line {
                post,
                sources: sources.map(|(name, _)| *name).collect(),
                counts,
                terms: self.world.terms(&post, counts, times),
                liked: false,
                visibility: "",
                rank: 0,
            };
            line.liked = match self.word(&line) {
                _ if !self.case.postgres.up => {
                    self.case.lately.likes.get(&post.post_id) == Some(&true)
                }
                word => word.is_some_and(|w| w.liked),
            };
            line.visibility = match self.word(&line) {
                _ if self.case.postgres.up => self.word(&line).map_or("private", |w| w.visibility),
                _ if line.sources.contains(&"trending") => "public",
                _ => "followers",
            };
            lines.push(line);
        }
        lines
    }

    /// F1 as it is when the viewer's latest follows are known.
    fn follow(&self) -> Vec<Post> {
        let (lately, limits) = (&self.case.lately.follows, self.case.config.follow);
        let mut list = self.world.follow();
        list.retain(|p| lately.get(&p.author_id) != Some(&false));
        if self.case.postgres.up {
            let of = |p: &Post| lately.get(&p.author_id) == Some(&true);
            for post in self.case.postgres.recent(of, self.case.now, limits) {
                if !list.iter().any(|p| p.post_id == post.post_id) {
                    list.push(post);
                }
            }
        }
        newest_first(&mut list);
        list.truncate(limits.max_posts as usize);
        list
    }

    /// By Redis where it knows all four, else by the facts.
    fn counts(&mut self, post: Uuid) -> Counts {
        let known = self.case.counters.get(&post);
        let known = known.filter(|_| self.case.redis == RedisState::Up);
        if let Some((counts, events)) = known.and_then(|k| Some((k.counts?, k.events?))) {
            self.answer.counted[0] += 1;
            return [counts[0], counts[1], events[0], events[1]];
        }
        self.answer.counted[1] += 1;
        self.world.counts(post)
    }

    fn word(&self, line: &Line) -> Option<&Word> {
        self.case.postgres.words.get(&line.post.post_id)
    }

    fn filters(&mut self, lines: &mut Vec<Line>) {
        let case = self.case;
        let word = |line: &Line| case.postgres.words.get(&line.post.post_id);
        let up = case.postgres.up;
        let kept_blocks = case.kept_blocks.as_ref();
        let kept_blocks = kept_blocks.filter(|_| case.redis == RedisState::Up);
        let blocked = |line: &Line| {
            let lately = case.lately.blocks.get(&line.post.author_id);
            if lately == Some(&true) {
                return true;
            }
            if up {
                return word(line).is_some_and(|w| w.blocked);
            }
            match kept_blocks {
                Some(blocks) => lately.is_none() && blocks.contains(&line.post.author_id),
                None => !line.sources.contains(&"follow"),
            }
        };
        let deleted = |line: &Line| {
            if up {
                return word(line).is_none_or(|w| w.deleted);
            }
            let known = case.counters.get(&line.post.post_id);
            case.redis == RedisState::Up && known.is_some_and(|k| k.deleted)
        };
        let hidden = |line: &Line| {
            if up {
                return word(line).is_some_and(|w| !w.visible && !w.deleted && !w.blocked);
            }
            case.lately.follows.get(&line.post.author_id) == Some(&false)
                && !line.sources.contains(&"trending")
        };
        let mut step = |name, fails: &dyn Fn(&Line) -> bool| {
            let before = lines.len();
            lines.retain(|line| !fails(line));
            let step = (name, lines.len(), before - lines.len(), 0);
            self.answer.steps.push(step);
        };
        step("blocked", &blocked);
        step("visibility", &hidden);
        step("deleted", &deleted);
    }

    fn seen(&mut self, lines: &mut Vec<Line>) -> usize {
        if !self.case.config.filters.seen {
            return lines.len();
        }
        let seen = self.world.seen();
        let of = |wanted: bool| {
            let part = lines
                .iter()
                .filter(|l| seen.contains(&l.post.post_id) == wanted);
            part.cloned().collect::<Vec<Line>>()
        };
        let (new, old) = (of(false), of(true));
        let step = ("seen", new.len(), 0, old.len());
        self.answer.steps.push(step);
        *lines = [new.clone(), old].concat();
        new.len()
    }

    fn diversity(&mut self, lines: Vec<Line>, unseen: usize) -> Vec<Line> {
        let diversity = self.case.config.diversity;
        if !diversity.on {
            return lines;
        }
        let most = diversity.limits.max_per_author as usize;
        let before = diversity.limits.window as usize - 1;
        let mut placed: Vec<(usize, Line)> = Vec::new();
        let numbered: Vec<(usize, Line)> = lines.into_iter().enumerate().collect();
        let (new, old) = numbered.split_at(unseen);
        for part in [new, old] {
            let mut left = part.to_vec();
            while !left.is_empty() {
                let nearby: Vec<Uuid> = placed
                    .iter()
                    .rev()
                    .take(before)
                    .map(|(_, line)| line.post.author_id)
                    .collect();
                let fits = left.iter().position(|(_, line)| {
                    let author = line.post.author_id;
                    nearby.iter().filter(|a| **a == author).count() < most
                });
                placed.push(left.remove(fits.unwrap_or(0)));
            }
        }
        let deferred = placed
            .iter()
            .enumerate()
            .filter(|(to, (from, _))| to > from);
        self.answer.deferred = Some(deferred.count());
        placed.into_iter().map(|(_, line)| line).collect()
    }

    fn degraded(&mut self) {
        if !self.case.postgres.up {
            self.answer.degraded.insert("posts");
        }
        // A cache that nobody needs is not asked.
        let asked = self.answer.counted != [0, 0] || !self.case.postgres.up;
        if self.case.redis == RedisState::Down && asked {
            self.answer.degraded.insert("cache");
        }
    }
}
