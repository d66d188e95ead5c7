//! `nova explain`: why a user's feed is as it is. Asks the API, as a client would, so what it tells is what is served.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use comfy_table::{CellAlignment, Table, presets};
use nova_api::auth;
use nova_domain::{PostId, UserId};
use nova_runtime::{AuthConfig, AuthKey, Env};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::commands::simulate;

/// Longer than any answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// Whose feed, and how much of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The user's id.
    user: UserId,
    /// Items to show.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// The answer as the API gives it.
    #[arg(long)]
    json: bool,
    /// The API's base URL [default: NOVA_API_URL, else http://NOVA_API_ADDR].
    #[arg(long)]
    api: Option<Url>,
}

pub(crate) async fn run(env: &Env, args: &Args) -> anyhow::Result<()> {
    let api = match &args.api {
        Some(url) => url.clone(),
        None => simulate::default_api(env)?,
    };
    let answer = ask(&api, &token(env, args.user)?, args.limit).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&answer)?);
    } else {
        let page = Page::deserialize(answer).context("the API explains in other words")?;
        print!("{}", page.render(args.user));
    }
    Ok(())
}

/// `NOVA_TOKEN`, where an identity provider signs; else one made here. Not an argument: others could read it.
fn token(env: &Env, user: UserId) -> anyhow::Result<String> {
    if let Some(token) = env.get("NOVA_TOKEN") {
        return Ok(token.to_owned());
    }
    let AuthConfig { key, audience } = AuthConfig::from_env(env)?;
    let AuthKey::Secret(secret) = key else {
        bail!("NOVA_TOKEN: is not set, and with NOVA_AUTH_PUBLIC_KEY no token can be made here");
    };
    let secret = secret.expose().as_bytes();
    Ok(auth::sign_for(
        secret,
        user,
        TOKEN_LIFETIME,
        audience.as_deref(),
    )?)
}

async fn ask(api: &Url, token: &str, limit: u32) -> anyhow::Result<Value> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(TIMEOUT)
        .build()?;
    let answer = client
        .get(api.join(&format!("/api/v1/feed?explain=true&limit={limit}"))?)
        .bearer_auth(token)
        .send()
        .await
        .with_context(|| format!("is the API at {api}?"))?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        let problem: String = text.chars().take(500).collect();
        bail!("the API answered {status}: {problem}");
    }
    serde_json::from_str(&text).context("the answer is not JSON")
}

/// What is told of an answer; as the API documents it.
#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Item>,
    served_from: String,
    degraded: Vec<String>,
    /// Nothing for a fallback, which is no ranking.
    explain: Option<PageExplain>,
}

#[derive(Debug, Deserialize)]
struct PageExplain {
    cache: String,
    snapshot_age_ms: u64,
    ranked: u32,
    formula: Formula,
    sources: Vec<Source>,
    filters: Vec<Filter>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the API")]
struct Formula {
    freshness_weight: f64,
    engagement_weight: f64,
    affinity_weight: f64,
}

#[derive(Debug, Deserialize)]
struct Source {
    source: String,
    candidates: u32,
    outcome: String,
    ms: f64,
}

#[derive(Debug, Deserialize)]
struct Filter {
    filter: String,
    kept: u32,
    removed: u32,
}

#[derive(Debug, Deserialize)]
struct Item {
    post_id: PostId,
    sources: Vec<String>,
    score: f64,
    explain: Option<ItemExplain>,
}

#[derive(Debug, Deserialize)]
struct ItemExplain {
    freshness: f64,
    engagement: f64,
    affinity: f64,
    inputs: Inputs,
    rank: u32,
    rank_before_diversity: u32,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    age_hours: f64,
    likes: u64,
    comments: u64,
    shares: u64,
    impressions: u64,
    interactions: u64,
}

impl Page {
    fn render(&self, user: UserId) -> String {
        let mut text = format!("Feed of {user}, served from: {}\n", self.served_from);
        let left_out = match self.degraded.as_slice() {
            [] => "nothing".to_owned(),
            words => words.join(", "),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "Left out: {left_out}");
        if let Some(explain) = &self.explain {
            let _ = writeln!(
                text,
                "Ranking: {} posts, {:.1} s old, cache {}",
                explain.ranked,
                Duration::from_millis(explain.snapshot_age_ms).as_secs_f64(),
                explain.cache
            );
            let _ = writeln!(text, "{}", explain.sources());
            let _ = writeln!(text, "{}", explain.filters());
        }
        let _ = writeln!(text, "{}", self.items());
        text
    }

    fn items(&self) -> Table {
        let mut rows = table(
            &[
                "rank",
                "by score",
                "score",
                "freshness",
                "engagement",
                "affinity",
                "age h",
                "likes",
                "comments",
                "shares",
                "impressions",
                "interactions",
                "sources",
                "post",
            ],
            0..12,
        );
        let formula = self.explain.as_ref().map(|explain| explain.formula);
        for item in &self.items {
            let mut cells = match (&item.explain, formula) {
                (Some(explain), Some(formula)) => explain.cells(item.score, formula),
                _ => vec![String::new(), String::new(), three(item.score)],
            };
            cells.resize(12, String::new());
            cells.push(item.sources.join(" "));
            cells.push(item.post_id.to_string());
            rows.add_row(cells);
        }
        rows
    }
}

impl PageExplain {
    fn sources(&self) -> Table {
        let mut rows = table(&["source", "found", "took", "outcome"], 1..3);
        for source in &self.sources {
            rows.add_row([
                source.source.clone(),
                source.candidates.to_string(),
                format!("{:.1} ms", source.ms),
                source.outcome.clone(),
            ]);
        }
        rows
    }

    fn filters(&self) -> Table {
        let mut rows = table(&["filter", "kept", "removed"], 1..3);
        for filter in &self.filters {
            rows.add_row([
                filter.filter.clone(),
                filter.kept.to_string(),
                filter.removed.to_string(),
            ]);
        }
        rows
    }
}

impl ItemExplain {
    fn cells(&self, score: f64, formula: Formula) -> Vec<String> {
        let term = |weight: f64, term: f64| format!("{weight} × {}", three(term));
        let inputs = &self.inputs;
        vec![
            self.rank.to_string(),
            self.rank_before_diversity.to_string(),
            three(score),
            term(formula.freshness_weight, self.freshness),
            term(formula.engagement_weight, self.engagement),
            term(formula.affinity_weight, self.affinity),
            format!("{:.1}", inputs.age_hours),
            inputs.likes.to_string(),
            inputs.comments.to_string(),
            inputs.shares.to_string(),
            inputs.impressions.to_string(),
            inputs.interactions.to_string(),
        ]
    }
}

fn three(number: f64) -> String {
    format!("{number:.3}")
}

/// A table whose columns of numbers, `numbers`, are aligned to the right.
fn table(header: &[&str], numbers: std::ops::Range<usize>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY);
    table.set_header(header);
    for index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "0190b5a0-0000-7000-8000-000000000001";

    fn render(answer: Value) -> String {
        let page = Page::deserialize(answer).unwrap();
        page.render(USER.parse().unwrap())
    }

    #[test]
    fn every_number_of_a_ranking_is_told() {
        let text = render(serde_json::json!({
            "items": [{
                "post_id": "0190b5a0-0000-7000-8000-000000000002", "sources": ["follow", "trending"], "score": 1.25,
                "explain": {
                    "freshness": 0.5, "engagement": 1.5, "affinity": 0.25, "rank": 1, "rank_before_diversity": 4,
                    "inputs": {"age_hours": 6.93, "likes": 11, "comments": 12, "shares": 13, "impressions": 14, "interactions": 15},
                },
            }],
            "served_from": "stale", "degraded": ["source:affinity"],
            "explain": {
                "cache": "stale", "snapshot_age_ms": 61_500, "ranked": 70, "position": 0,
                "formula": {"freshness_weight": 0.3, "engagement_weight": 0.4, "affinity_weight": 0.3, "decay_per_hour": 0.1,
                            "comment_weight": 2.0, "share_weight": 3.0},
                "sources": [{"source": "follow", "candidates": 44, "outcome": "ok", "ms": 11.26}],
                "filters": [{"filter": "own", "kept": 70, "removed": 6}],
            },
        }));
        for part in [
            "served from: stale",
            "Left out: source:affinity",
            "70 posts, 61.5 s old, cache stale",
            "44 ┆ 11.3 ms ┆ ok",
            "70 ┆       6",
            "0.3 × 0.500",
            "0.4 × 1.500",
            "follow trending",
        ] {
            let part = part.replace(" ┆ ", "   ");
            let flat = text.replace('┆', " ");
            assert!(flat.contains(&part), "{part} in\n{text}");
        }
    }

    #[test]
    fn a_fallback_is_told_without_a_ranking() {
        let text = render(serde_json::json!({
            "items": [{"post_id": "0190b5a0-0000-7000-8000-000000000002", "sources": ["trending"], "score": 0.5}],
            "served_from": "fallback", "degraded": ["posts"], "explain": null,
        }));
        assert!(
            text.contains("fallback") && text.contains("0.500"),
            "{text}"
        );
        assert!(!text.contains("Ranking"), "{text}");
    }
}
