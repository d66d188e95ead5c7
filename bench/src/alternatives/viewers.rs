//! Whose feeds are read: a sample drawn as the load test draws viewers.

use anyhow::{Context as _, ensure};
use nova_domain::UserId;
use nova_loadtest::audience::Audience;
use nova_loadtest::people::People;
use nova_loadtest::token::Signer;
use sqlx::PgPool;
use uuid::Uuid;

use crate::feed::{PAGE, Viewer};

/// Visits of a session, which only decide who leaves: nobody does here.
const VISITS: f64 = 24.0;
/// The sample.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) viewers: Vec<Viewer>,
    /// Drawn, and passed over because those they follow posted less than a page in 72 hours.
    pub(crate) passed_over: usize,
}

impl Sample {
    /// Draws `number` viewers by activity, from a seed. Only those for whom every contender has a full page: lists that
    /// are written with each post have nothing for who follows nobody.
    pub(crate) async fn draw(
        people: &People,
        number: usize,
        seed: u64,
        secret: &str,
        pool: &PgPool,
    ) -> anyhow::Result<Self> {
        let audience = Audience::new(people.users.len(), 2 * number, VISITS, seed)?;
        let drawn = audience.online().iter();
        let drawn: Vec<UserId> = drawn
            .filter_map(|index| people.users.get(*index).copied())
            .collect();
        let full = full_pages(pool, &drawn).await?;
        let (chosen, passed_over) = choose(&drawn, &full, number);
        ensure!(
            chosen.len() == number,
            "only {} of {} users drawn follow people who posted {PAGE} posts in 72 h; ask for fewer --viewers",
            chosen.len(),
            drawn.len()
        );
        let signer = Signer::new(secret);
        let viewer = |id| Viewer::new(id, &signer);
        Ok(Self {
            viewers: chosen.into_iter().map(viewer).collect::<Result<_, _>>()?,
            passed_over,
        })
    }

    pub(crate) fn ids(&self) -> Vec<UserId> {
        self.viewers.iter().map(|viewer| viewer.id).collect()
    }
}

async fn full_pages(pool: &PgPool, drawn: &[UserId]) -> anyhow::Result<Vec<bool>> {
    let ids: Vec<Uuid> = drawn.iter().map(|user| user.uuid()).collect();
    let page = i64::try_from(PAGE)?;
    sqlx::query_scalar(include_str!("sql/full_pages.sql"))
        .bind(ids)
        .bind(page)
        .fetch_all(pool)
        .await
        .context("looking for viewers with full pages")
}

/// The first of those with a full page, and how many were passed over to find them.
fn choose(drawn: &[UserId], full: &[bool], number: usize) -> (Vec<UserId>, usize) {
    let mut passed_over = 0;
    let mut chosen = Vec::with_capacity(number);
    for (user, full) in drawn.iter().zip(full) {
        if chosen.len() == number {
            break;
        }
        if *full {
            chosen.push(*user);
        } else {
            passed_over += 1;
        }
    }
    (chosen, passed_over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_full_page_is_passed_over_and_counted() {
        let drawn: Vec<UserId> = (0..5).map(|n| UserId::new(Uuid::from_u128(n))).collect();
        let full = [true, false, true, false, true];
        assert_eq!(choose(&drawn, &full, 2), (vec![drawn[0], drawn[2]], 1));
        assert_eq!(choose(&drawn, &full, 3).1, 2);
        assert_eq!(choose(&drawn, &full, 9).0.len(), 3);
    }
}
