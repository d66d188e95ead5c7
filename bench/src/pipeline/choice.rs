//! Which posts get likes by the thousand, and which get a single one that is looked for.

use nova_domain::UserId;

use super::{Likes, Marker, Writer};

/// Likes of the newest public posts, at most `posts` of them, and so many markers: single likes on posts that get no
/// others. Another seed is other likes.
pub(crate) async fn choose(
    writer: &Writer,
    users: &[UserId],
    posts: u32,
    markers: usize,
    seed: u64,
) -> anyhow::Result<(Likes, Vec<Marker>)> {
    let targets = writer.targets(posts).await?;
    anyhow::ensure!(
        targets.len() > 2 * markers,
        "there are {} public posts, too few for {markers} markers",
        targets.len()
    );
    let (marked, liked) = targets.split_at(markers);
    let markers = writer.markers(marked, users).await?;
    Ok((Likes::new(liked.to_vec(), users.to_vec(), seed), markers))
}
