//! The schema's materialized views, as text to be made use of.

use crate::schema::SCHEMA;
use crate::sql::statements;

/// A materialized view of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    pub(super) name: &'static str,
    pub(super) target: &'static str,
    pub(super) query: &'static str,
}

/// All of them, in the order of the file.
pub(super) fn views() -> Vec<View> {
    statements(SCHEMA)
        .into_iter()
        .filter_map(|statement| view(statement.text))
        .collect()
}

/// Those of these names, in the order of the file.
pub(super) fn named(names: &[&str]) -> Vec<View> {
    let mut found = views();
    found.retain(|view| names.contains(&view.name));
    found
}

fn view(text: &'static str) -> Option<View> {
    let rest = text.strip_prefix("CREATE MATERIALIZED VIEW IF NOT EXISTS ")?;
    let (head, query) = rest.split_once(" AS\n")?;
    let name = head.split_whitespace().next()?;
    let (_, target) = head.rsplit_once(" TO ")?;
    Some(View {
        name,
        target,
        query,
    })
}

/// The query with `load_` before each of these names, wherever one stands as a whole word.
pub(super) fn staged(query: &str, names: &[&str]) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::with_capacity(query.len() + 64);
    let mut rest = query;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if word > 0 {
            if names.contains(&&rest[..word]) {
                out.push_str("load_");
            }
            out.push_str(&rest[..word]);
            rest = &rest[word..];
        }
        let between = rest.find(is_word).unwrap_or(rest.len());
        out.push_str(&rest[..between]);
        rest = &rest[between..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_found_with_target_and_query() {
        let views = views();
        let of = |name| *views.iter().find(|view| view.name == name).unwrap();
        let graph = of("mv_follow_graph");
        assert_eq!(graph.target, "follow_graph");
        assert!(graph.query.starts_with("SELECT followee_id"));
        let counts = of("mv_post_engagement");
        assert_eq!(counts.target, "posts_to_recount");
        assert!(counts.query.starts_with("WITH\n"), "{}", counts.query);
    }

    #[test]
    fn only_whole_words_are_renamed() {
        assert_eq!(
            staged("SELECT a.x, 'a' FROM a AS ab, b_a", &["a"]),
            "SELECT load_a.x, 'load_a' FROM load_a AS ab, b_a"
        );
    }
}
