//! The feed of one user, with what its order is made of.

use anyhow::ensure;

use super::client::{Client, Feed};
use super::people::{self, Viewer};
use super::servers::{align_right, heading, table};

/// A page.
const LIMIT: u32 = 20;

/// Columns, not bytes: a Han character is two wide.
const CAPTION_COLUMNS: usize = 28;
const HANDLE_COLUMNS: usize = 14;

/// Shows the page that the API answers and explains.
pub(super) async fn show(client: &Client, viewer: &Viewer) -> anyhow::Result<Feed> {
    let person = &viewer.person;
    heading(&format!("The feed of {}", person.handle));
    println!(
        "follows {}, has liked {} posts",
        viewer.follows, viewer.likes
    );
    let feed = client.explained_feed(person.id, LIMIT).await?;
    ensure!(
        !feed.items.is_empty(),
        "the feed of {} is empty",
        person.handle
    );
    ensure!(
        feed.degraded.is_empty(),
        "the feed is degraded: {}",
        feed.degraded.join(", ")
    );

    let authors = people::handles(client, feed.items.iter().map(|item| item.author_id)).await?;

    let mut rows = table(&[
        "#",
        "post",
        "author",
        "sources",
        "likes",
        "freshness",
        "engagement",
        "affinity",
        "score",
    ]);
    align_right(&mut rows, &[0, 4, 5, 6, 7, 8]);
    for (rank, item) in feed.items.iter().enumerate() {
        let terms = item.explain.as_ref();
        let term = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |v| format!("{v:.3}"));
        let author = authors.get(&item.author_id).map_or("", String::as_str);
        rows.add_row([
            (rank + 1).to_string(),
            shortened(&item.caption, CAPTION_COLUMNS),
            shortened(author, HANDLE_COLUMNS),
            item.sources.join(" "),
            item.counts.likes.to_string(),
            term(terms.map(|t| t.freshness)),
            term(terms.map(|t| t.engagement)),
            term(terms.map(|t| t.affinity)),
            format!("{:.3}", item.score),
        ]);
    }
    println!("{rows}");
    if let Some(explain) = &feed.explain {
        let found: Vec<_> = explain
            .sources
            .iter()
            .map(|source| format!("{} {}", source.candidates, source.source))
            .collect();
        println!(
            "Candidates: {}; {} ranked. Served from: {}.",
            found.join(", "),
            explain.ranked,
            feed.served_from
        );
    }
    Ok(feed)
}

/// One line of at most so many columns.
fn shortened(text: &str, columns: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    if line.chars().map(width).sum::<usize>() <= columns {
        return line;
    }
    let mut short = String::new();
    let mut used = 1;
    for c in line.chars() {
        used += width(c);
        if used > columns {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_caption_is_one_short_line() {
        assert_eq!(shortened("two\n  lines", 10), "two lines");
        assert_eq!(shortened("a longer text", 8), "a longe…");
        assert_eq!(shortened("山の上の湖の水", 8), "山の上…");
        assert_eq!(shortened("", 8), "");
    }
}
