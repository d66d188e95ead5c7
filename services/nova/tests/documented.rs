//! `docs/configuration.md` and the sources name the same variables, with the same defaults and ranges. No servers.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use nova_api::console::ConsoleConfig;
use nova_feed::FeedConfig;
use nova_feed::discovery::SuggestConfig;
use nova_jobs::JobsConfig;
use nova_projector::ProjectorConfig;
use nova_runtime::{
    AdminConfig, ApiConfig, AuthConfig, CdcConfig, Env, LifecycleConfig, LogConfig, PostgresConfig,
};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// Names that tests make up, or pass on to themselves.
const OF_TESTS: [&str; 6] = [
    "NOVA_FLAG",
    "NOVA_MS",
    "NOVA_N",
    "NOVA_TESTBED_OWNER",
    "NOVA_UNUSED",
    "NOVA_URL",
];

/// Folders and files whose names count.
const SOURCES: [&str; 9] = [
    ".ci",
    "clickhouse",
    "connectors",
    "e2e",
    "infra",
    "libs",
    "services",
    "justfile",
    "justw",
];

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

fn is_name(text: &str) -> bool {
    text.starts_with("NOVA_") && text.chars().all(is_of_a_name)
}

/// Names anywhere in a text; one that ends with `_` is the beginning of others.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c| !is_of_a_name(c));
    words.filter(|word| is_name(word))
}

/// What the sources name: Rust in literals that are a name and nothing else, all others anywhere.
fn named_by(path: &Path, names: &mut BTreeSet<String>) -> io::Result<()> {
    if path.is_dir() {
        for entry in path.read_dir()? {
            let entry = entry?;
            let name = entry.file_name();
            if name != "target" && name != "node_modules" {
                named_by(&entry.path(), names)?;
            }
        }
        return Ok(());
    }
    let extension = path.extension().and_then(|it| it.to_str());
    match extension {
        _ if path.ends_with(file!()) => {}
        Some("rs") => {
            let text = std::fs::read_to_string(path)?;
            let literals = text.split('"').filter(|text| is_name(text));
            names.extend(literals.map(str::to_owned));
        }
        None | Some("sh" | "xml" | "json" | "env") => {
            let text = std::fs::read_to_string(path)?;
            names.extend(names_in(&text).map(str::to_owned));
        }
        Some(_) => {}
    }
    Ok(())
}

fn sources() -> io::Result<BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut names = BTreeSet::new();
    for source in SOURCES {
        named_by(&root.join(source), &mut names)?;
    }
    Ok(names)
}

/// A line of the page's tables: variable, meaning, unit, default, range.
struct Row<'p> {
    line: &'p str,
    cells: Vec<&'p str>,
}

fn rows() -> Vec<Row<'static>> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| `NOVA_"));
    let row = |line: &'static str| Row {
        line,
        cells: line.trim_matches('|').split(" |").map(str::trim).collect(),
    };
    lines.map(row).collect()
}

impl Row<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        names_in(self.cells[0])
    }

    /// The default as it would be set; none where it is told in words.
    fn default(&self) -> Option<String> {
        let text = self.cells[3];
        let literal = text.strip_prefix('`').and_then(|it| it.strip_suffix('`'));
        literal.map(str::to_owned).or_else(|| number(text))
    }

    /// The least and the greatest number.
    fn range(&self) -> Option<(String, String)> {
        let (least, greatest) = self.cells[4].split_once('–')?;
        Some((number(least)?, number(greatest)?))
    }
}

/// A number as it would be set; the page groups its digits.
fn number(text: &str) -> Option<String> {
    let plain = text.replace(',', "");
    plain.parse::<f64>().is_ok().then_some(plain)
}

/// Everything that is read where nothing is set but what has to be, and these.
fn read(set: &[(&str, &str)]) -> anyhow::Result<String> {
    let needed = [
        ("NOVA_POSTGRES_URL", "postgres://nova@127.0.0.1:1/nova"),
        ("NOVA_KAFKA_BROKERS", "127.0.0.1:1"),
        ("NOVA_AUTH_SECRET", "0123456789abcdef0123456789abcdef"),
        ("NOVA_CDC_PASSWORD", "hush"),
    ];
    let env = Env::from_pairs(needed.iter().chain(set).copied());
    let (api, auth) = (ApiConfig::from_env(&env)?, AuthConfig::from_env(&env)?);
    let all = (
        FeedConfig::from_lookup(env.lookup())?,
        SuggestConfig::from_lookup(env.lookup())?,
        ProjectorConfig::from_env(&env)?,
        JobsConfig::from_env(&env)?,
        PostgresConfig::from_env(&env)?,
        CdcConfig::from_env(&env)?,
        ConsoleConfig::from_env(&env, &api, &auth)?,
        (api, auth),
        AdminConfig::from_env(&env)?,
        LifecycleConfig::from_env(&env)?,
        LogConfig::from_env(&env)?,
    );
    Ok(format!("{all:?}"))
}

#[test]
fn every_variable_is_documented() {
    let rows = rows();
    let documented: BTreeSet<&str> = rows.iter().flat_map(Row::names).collect();
    let missing: Vec<String> = sources()
        .unwrap()
        .into_iter()
        .filter(|name| !OF_TESTS.contains(&name.as_str()))
        .filter(|name| match name.ends_with('_') {
            true => !documented.iter().any(|it| it.starts_with(name.as_str())),
            false => !documented.contains(name.as_str()),
        })
        .collect();
    assert!(
        missing.is_empty(),
        "without a row in docs/configuration.md: {missing:?}"
    );
}

#[test]
fn every_name_of_the_page_is_in_the_sources() {
    let sources = sources().unwrap();
    let gone: BTreeSet<&str> = names_in(PAGE)
        .chain(OF_TESTS)
        .filter(|name| match name.ends_with('_') {
            true => !sources.iter().any(|it| it.starts_with(name)),
            false => !sources.contains(*name),
        })
        .collect();
    assert!(
        gone.is_empty(),
        "in docs/configuration.md or OF_TESTS, and nowhere else: {gone:?}"
    );
    let made_up: Vec<&str> = names_in(PAGE)
        .filter(|name| OF_TESTS.contains(name))
        .collect();
    assert!(made_up.is_empty(), "only tests know: {made_up:?}");
}

#[test]
fn defaults_and_ranges_are_those_of_the_code() {
    let nothing_set = read(&[]).unwrap();
    let mut wrong = Vec::new();
    for row in rows() {
        assert_eq!(row.cells.len(), 5, "{}", row.line);
        for name in row.names() {
            let Some(default) = row.default() else {
                continue;
            };
            if !read(&[(name, &default)]).is_ok_and(|read| read == nothing_set) {
                wrong.push(format!("{name}: {default} is not the default"));
            }
            if number(&default).is_none() {
                continue;
            }
            // No number may be below 0; the refusal names variable and range.
            let refusal = read(&[(name, "-1")]).map_or_else(|e| e.to_string(), |_| String::new());
            let told = match row.range() {
                Some((least, greatest)) => format!(" from {least} to {greatest},"),
                None => " no range,".to_owned(),
            };
            let names_it = refusal.starts_with(&format!("{name}: "));
            if !names_it || !format!("{refusal},").contains(&told) {
                wrong.push(format!("{name}:{told} but the code says `{refusal}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
