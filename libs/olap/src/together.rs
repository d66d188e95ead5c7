//! Questions of one kind that wait for their turn are asked together: what a query costs by itself is paid once for all of them.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use nova_domain::UserId;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Olap, within};
use crate::error::OlapError;
use crate::questions::{Affinity, Follow, Impressions, NewestPosts, OwnInteractions};

/// Viewers of one query, at most: what each of them waits for the others.
const MOST_VIEWERS: usize = 8;

/// Authors named in one query, at most, where there are several viewers: each takes 45 bytes of the address it is asked by, and an
/// address has 64 KiB.
const MOST_AUTHORS: usize = 800;

/// So long a question that nobody waits for is open to others at least: rankings that begin together ask within a few milliseconds.
const LINGERS: Duration = Duration::from_millis(15);

/// What is asked for one viewer, and can be asked for several at once.
pub(crate) trait Question: std::fmt::Debug + Clone + Send + Sync + 'static {
    /// What all that are asked together have in common.
    type Common: std::fmt::Debug + Copy + Eq + Hash + Send + Sync + 'static;
    /// What one viewer gets.
    type Answer: std::fmt::Debug + Send + 'static;

    fn viewer(&self) -> UserId;

    fn common(&self) -> Self::Common;

    /// How many authors are named in it.
    fn authors(&self) -> usize {
        0
    }

    /// Where those wait that can be asked together with it.
    fn waiting(together: &Together) -> &Groups<Self>;

    /// Asks for this viewer alone.
    fn alone(
        &self,
        olap: &Olap,
        deadline: Duration,
    ) -> impl Future<Output = Result<Self::Answer, OlapError>> + Send;

    /// Asks for all of these, which have that in common and are of different viewers: their answers, in their order.
    fn together(
        common: Self::Common,
        all: &[Self],
        olap: &Olap,
        deadline: Duration,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, OlapError>> + Send;
}

/// The questions of a process that wait for their turn, by kind.
#[derive(Debug, Default)]
pub(crate) struct Together {
    pub(crate) follow: Groups<Follow>,
    pub(crate) affinity: Groups<Affinity>,
    pub(crate) newest: Groups<NewestPosts>,
    pub(crate) interactions: Groups<OwnInteractions>,
    pub(crate) impressions: Groups<Impressions>,
}

/// The groups that may still be joined. Cheap to clone; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Groups<Q: Question>(Arc<Mutex<Open<Q>>>);

/// By what the questions of a group have in common, and whether somebody waits for them.
type Key<Q> = (<Q as Question>::Common, bool);

type Open<Q> = HashMap<Key<Q>, Arc<Group<Q>>>;

/// Questions that will be asked by one query.
#[derive(Debug)]
struct Group<Q: Question> {
    /// None once they are being asked: whoever comes then is too late.
    members: Mutex<Option<Vec<Member<Q>>>>,
    /// When they had their turn.
    asked: OnceLock<Instant>,
}

#[derive(Debug)]
struct Member<Q: Question> {
    question: Q,
    until: Instant,
    answer: oneshot::Sender<Result<Q::Answer, OlapError>>,
}

impl Olap {
    /// Asks for one viewer; together with others who wait for their turn, if this client does so ([`Olap::asking_together`]).
    pub(crate) async fn ask<Q: Question>(
        &self,
        question: Q,
        deadline: Duration,
    ) -> Result<Q::Answer, OlapError> {
        match self.together() {
            Some(together) => Q::waiting(together).ask(self, question, deadline).await,
            None => {
                let answer = question.alone(self, deadline);
                self.read_within(deadline, answer).await
            }
        }
    }
}

impl<Q: Question> Default for Groups<Q> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<Q: Question> Groups<Q> {
    /// Joins those who wait for their turn, or is the first to. Where most of the time was spent waiting, ClickHouse is not to
    /// blame: [`OlapError::Busy`].
    async fn ask(
        &self,
        olap: &Olap,
        question: Q,
        deadline: Duration,
    ) -> Result<Q::Answer, OlapError> {
        let began = Instant::now();
        let (answer, answered) = oneshot::channel();
        let member = Member {
            question,
            until: began + deadline,
            answer,
        };
        let group = self.join(olap, member, deadline);
        match timeout(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(OlapError::Lost),
            Err(_) => {
                let fair = group
                    .asked
                    .get()
                    .is_some_and(|asked| asked.saturating_duration_since(began) <= deadline / 2);
                Err(if fair {
                    OlapError::Deadline { after: deadline }
                } else {
                    OlapError::Busy { after: deadline }
                })
            }
        }
    }

    fn join(&self, olap: &Olap, member: Member<Q>, deadline: Duration) -> Arc<Group<Q>> {
        let key = (member.question.common(), olap.is_awaited());
        let mut groups = lock(&self.0);
        let member = match groups.get(&key) {
            None => member,
            Some(group) => match group.admit(member) {
                Ok(()) => return Arc::clone(group),
                Err(member) => member,
            },
        };
        let group = Arc::new(Group {
            members: Mutex::new(Some(vec![member])),
            asked: OnceLock::new(),
        });
        groups.insert(key, Arc::clone(&group));
        drop(groups);
        let (groups, olap, asking) = (self.clone(), olap.clone(), Arc::clone(&group));
        tokio::spawn(async move { groups.ask_all(&olap, key, &asking, deadline).await });
        group
    }

    /// Waits for the group's turn, and asks for those who are in it by then and still want to know.
    async fn ask_all(&self, olap: &Olap, key: Key<Q>, group: &Arc<Group<Q>>, deadline: Duration) {
        if !olap.is_awaited() {
            sleep(LINGERS).await;
        }
        let turn = olap.turn(deadline).await;
        let now = Instant::now();
        let mut members = self.close(key, group);
        // Behind the turn nothing waits in this process any more.
        let _ = group.asked.set(now);
        members.retain(|member| member.until > now && !member.answer.is_closed());
        let Some(latest) = members.iter().map(|member| member.until).max() else {
            return;
        };
        let left = latest - now;
        let questions: Vec<Q> = members.iter().map(|m| m.question.clone()).collect();
        let answers = within(left, async {
            match questions.as_slice() {
                [one] => Ok(vec![one.alone(olap, left).await?]),
                several => Q::together(key.0, several, olap, left).await,
            }
        });
        let answers = answers.await;
        drop(turn);
        match answers {
            // Whoever does not wait any more takes nothing from the others.
            Ok(answers) => {
                for (member, answer) in members.into_iter().zip(answers) {
                    let _ = member.answer.send(Ok(answer));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for member in members {
                    let _ = member
                        .answer
                        .send(Err(OlapError::Together(Arc::clone(&error))));
                }
            }
        }
    }

    /// Nobody joins it from now on.
    fn close(&self, key: Key<Q>, group: &Arc<Group<Q>>) -> Vec<Member<Q>> {
        let mut groups = lock(&self.0);
        if groups
            .get(&key)
            .is_some_and(|open| Arc::ptr_eq(open, group))
        {
            groups.remove(&key);
        }
        lock(&group.members).take().unwrap_or_default()
    }
}

impl<Q: Question> Group<Q> {
    /// Takes it in, where there is room and nobody asks for the same viewer.
    fn admit(&self, member: Member<Q>) -> Result<(), Member<Q>> {
        let mut members = lock(&self.members);
        let Some(members) = members.as_mut() else {
            return Err(member);
        };
        let (viewer, authors) = (member.question.viewer(), member.question.authors());
        let others: usize = members.iter().map(|m| m.question.authors()).sum();
        let fits = members.len() < MOST_VIEWERS
            && others + authors <= MOST_AUTHORS
            && members.iter().all(|m| m.question.viewer() != viewer);
        if !fits {
            return Err(member);
        }
        members.push(member);
        Ok(())
    }
}

/// Nothing in here panics while it holds the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use uuid::Uuid;

    use super::*;
    use crate::config::OlapConfig;

    const DEADLINE: Duration = Duration::from_secs(1);
    const TAKES: Duration = Duration::from_millis(100);

    /// The groups of [`Double`], which is no kind that a client has.
    static DOUBLES: std::sync::LazyLock<Groups<Double>> = std::sync::LazyLock::new(Groups::default);

    /// Asks for twice a number.
    #[derive(Debug, Clone)]
    struct Double {
        viewer: u128,
        company: u32,
        authors: usize,
    }

    /// Twice the viewer, and how many were asked for together.
    type Doubled = (u128, usize);

    impl Question for Double {
        type Common = u32;
        type Answer = Doubled;

        fn viewer(&self) -> UserId {
            UserId::new(Uuid::from_u128(self.viewer))
        }

        fn common(&self) -> u32 {
            self.company
        }

        fn authors(&self) -> usize {
            self.authors
        }

        fn waiting(_: &Together) -> &Groups<Self> {
            &DOUBLES
        }

        async fn alone(&self, _: &Olap, _: Duration) -> Result<Doubled, OlapError> {
            sleep(TAKES).await;
            Ok((2 * self.viewer, 1))
        }

        async fn together(
            _: u32,
            all: &[Self],
            _: &Olap,
            deadline: Duration,
        ) -> Result<Vec<Doubled>, OlapError> {
            sleep(TAKES).await;
            if all.iter().any(|one| one.viewer == UNLUCKY) {
                return Err(OlapError::Deadline { after: deadline });
            }
            Ok(all.iter().map(|one| (2 * one.viewer, all.len())).collect())
        }
    }

    const UNLUCKY: u128 = 13;

    fn client() -> Olap {
        let config = OlapConfig::from_url(&"http://127.0.0.1:1".parse().unwrap()).unwrap();
        Olap::new(&config).asking_together()
    }

    /// Of one test: others ask in other companies.
    fn double(company: u32, viewer: u128) -> Double {
        Double {
            viewer,
            company,
            authors: 0,
        }
    }

    /// How many were asked for together with each.
    fn companies(answers: Vec<Result<Doubled, OlapError>>) -> Vec<usize> {
        answers.into_iter().map(|a| a.unwrap().1).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_turn_is_asked_for_with_the_others_who_do() {
        let olap = client();
        let mut taken = Vec::new();
        while let Ok(turn) = timeout(TAKES, olap.turn(DEADLINE)).await {
            taken.push(turn);
        }
        let all = (0..MOST_VIEWERS as u128 + 3).map(|n| olap.ask(double(1, n), DEADLINE));
        let free = async {
            sleep(TAKES).await;
            drop(taken);
        };
        let (answers, ()) = tokio::join!(join_all(all), free);
        for (n, answer) in (0..).zip(&answers) {
            assert_eq!(answer.as_ref().unwrap().0, 2 * n);
        }
        let mut expected = vec![MOST_VIEWERS; MOST_VIEWERS];
        expected.extend([3; 3]);
        assert_eq!(companies(answers), expected);
        // With a place free nobody waits, for others neither.
        assert_eq!(olap.ask(double(1, 1), DEADLINE).await.unwrap(), (2, 1));
        assert!(lock(&DOUBLES.0).keys().all(|(company, _)| *company != 1));
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_can_be_asked_by_one_query_is() {
        let olap = client();
        let behind = olap.giving_way(Duration::ZERO);
        let long = |viewer| Double {
            authors: MOST_AUTHORS / 2 + 1,
            ..double(2, viewer)
        };
        let answers = join_all([
            olap.ask(double(2, 1), DEADLINE),
            olap.ask(double(2, 2), DEADLINE),
            // Asked for something else.
            olap.ask(double(3, 3), DEADLINE),
            // The same viewer once more.
            olap.ask(double(2, 1), DEADLINE),
            // Two that are too long for one query.
            olap.ask(long(4), DEADLINE),
            olap.ask(long(5), DEADLINE),
            // Nobody waits for it.
            behind.ask(double(2, 6), DEADLINE),
        ]);
        assert_eq!(companies(answers.await), [2, 2, 1, 2, 2, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_all_and_who_left_takes_nothing_from_the_others() {
        let olap = client();
        let answers = [UNLUCKY, 1].map(|n| olap.ask(double(4, n), DEADLINE));
        for answer in join_all(answers).await {
            let error = answer.unwrap_err();
            assert!(
                matches!(error.cause(), OlapError::Deadline { .. }),
                "{error}"
            );
        }
        let leaves = timeout(TAKES / 2, olap.ask(double(5, 1), DEADLINE));
        let (left, stays) = tokio::join!(leaves, olap.ask(double(5, 2), DEADLINE));
        assert!(left.is_err());
        assert_eq!(stays.unwrap(), (4, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_for_a_turn_does_not_blame_the_server() {
        let olap = client();
        let mut taken = Vec::new();
        while let Ok(turn) = timeout(TAKES, olap.turn(DEADLINE)).await {
            taken.push(turn);
        }
        let error = olap.ask(double(6, 1), DEADLINE).await.unwrap_err();
        assert!(matches!(error, OlapError::Busy { .. }), "{error}");
        drop(taken);
        let error = olap.ask(double(6, 1), TAKES / 2).await.unwrap_err();
        assert!(matches!(error, OlapError::Deadline { .. }), "{error}");
    }
}
