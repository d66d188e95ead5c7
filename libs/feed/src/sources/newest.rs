//! F1 and F3 as they were for the viewer's last ranking, completed by what was posted since.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use nova_domain::{Candidate, Source, UserId};
use nova_olap::{Interactions, NewPost};

use super::OfAuthors;
use super::affinity::posts_of_closest;
use super::kept::{Closest, Lists};
use crate::asking::Asking;
use crate::budget::Attempt;
use crate::features::interactions;
use crate::trace::Degraded;

/// The lists of the viewer's last ranking, if they may be completed: nothing but its age has made it out of date, and this
/// process made it.
pub(super) fn kept<P>(asking: &Asking<'_, P>) -> Option<Arc<Lists>> {
    let (context, ask) = (asking.context, asking.ask);
    let standing_ms = ask.standing_ms.filter(|_| ask.live)?;
    let kept = &context.shared?.kept;
    kept.get(ask.viewer, standing_ms, ask.now, context.config)
}

/// Keeps what was found for the next ranking, where all of it was.
pub(super) fn keep<P>(asking: &Asking<'_, P>, found: &OfAuthors) {
    let (context, ask) = (asking.context, asking.ask);
    let Some(shared) = context.shared.filter(|_| ask.live) else {
        return;
    };
    let (Ok(follow), Ok(interactions), Ok(affinity)) = (
        &found.follow.result,
        &found.interactions.result,
        &found.affinity.result,
    ) else {
        return;
    };
    let lists = Lists {
        ranking_ms: ask.now.timestamp_millis(),
        whole_at: found.whole_at,
        follow: follow.clone(),
        affinity: affinity.clone(),
        closest: closest(asking, interactions),
    };
    shared.kept.put(ask.viewer, lists);
}

/// One query for the newest posts and one for the interactions side by side, and one for the posts of authors who were not
/// among the closest, where there are any.
pub(super) async fn complete<P>(asking: &Asking<'_, P>, kept: &Lists) -> OfAuthors {
    let (newest, (interactions, added)) = tokio::join!(fetch(asking, kept), added(asking, kept));
    let (context, now) = (asking.context, asking.ask.now);
    let (follow_limits, affinity_limits) = (context.config.follow, context.config.affinity);
    let took = interactions.took + added.posts.took;
    let affinity = match (&newest.result, added.posts.result) {
        (_, result) if added.whole => Attempt { result, took },
        (Ok(new), result) => Attempt {
            result: result
                .map(|posts| kept.affinity_now(new, posts, &added.closest, now, affinity_limits)),
            took: newest.took.max(took),
        },
        (Err(outcome), _) => Attempt {
            result: Err(*outcome),
            took: newest.took.max(took),
        },
    };
    let follow = Attempt {
        took: newest.took,
        result: newest
            .result
            .map(|new| kept.follow_now(&new, now, follow_limits)),
    };
    OfAuthors {
        follow,
        interactions,
        affinity,
        whole_at: kept.whole_at,
    }
}

/// What was posted since.
async fn fetch<P>(asking: &Asking<'_, P>, kept: &Lists) -> Attempt<Vec<NewPost>> {
    let (context, ask) = (asking.context, asking.ask);
    let authors: Vec<UserId> = kept.closest.iter().map(|one| one.author).collect();
    let most = context.config.follow.max_posts + context.config.affinity.max_posts;
    let query = context.olap.newest_candidates(
        ask.viewer,
        authors,
        kept.since(),
        ask.now,
        most,
        asking.budget.for_query(),
    );
    asking
        .clickhouse(Degraded::Source(Source::Follow), query)
        .await
}

/// Posts that F3 lacks.
struct Added {
    posts: Attempt<Vec<Candidate>>,
    /// They are all of F3.
    whole: bool,
    /// The authors of F3 now.
    closest: HashSet<Closest>,
}

/// The viewer's interactions now, and the posts of authors who are among the closest since. All of F3 where authors left a
/// list that was cut at its limit.
async fn added<P>(asking: &Asking<'_, P>, kept: &Lists) -> (Attempt<Interactions>, Added) {
    let interactions = interactions::fetch(asking).await;
    let found = match &interactions.result {
        Err(outcome) => {
            let posts = Attempt {
                result: Err(*outcome),
                took: Duration::ZERO,
            };
            let added = Added {
                posts,
                whole: false,
                closest: HashSet::new(),
            };
            return (interactions, added);
        }
        Ok(found) => found,
    };
    let before: HashSet<Closest> = kept.closest.iter().copied().collect();
    let context = asking.context;
    let now = found.closest(asking.ask.viewer, context.config.authors.max_authors);
    let closest: HashSet<Closest> = now.iter().map(Closest::from).collect();
    let left = !before.is_subset(&closest);
    let whole = left && kept.affinity_is_cut(context.config.affinity);
    let asked: Interactions = now
        .into_iter()
        .filter(|one| whole || !before.contains(&Closest::from(one)))
        .collect();
    let posts = posts_of_closest(asking, &asked).await;
    let added = Added {
        posts,
        whole,
        closest,
    };
    (interactions, added)
}

fn closest<P>(asking: &Asking<'_, P>, interactions: &Interactions) -> Vec<Closest> {
    let most = asking.context.config.authors.max_authors;
    let closest = interactions.closest(asking.ask.viewer, most);
    closest.iter().map(Closest::from).collect()
}
