//! The plan of each query file, reduced to what it reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use nova_olap::Olap;

use crate::parameters::parameters;

/// The names in `{name:Type}`.
fn asked(sql: &str) -> impl Iterator<Item = &str> {
    sql.split('{').skip(1).filter_map(|rest| {
        let name = rest.split(':').next()?;
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c == '_')
            .then_some(name)
    })
}

/// Of a plan: every read of a table, with the indexes that leave granules out of it and how many they leave.
fn reads(plan: &[String]) -> String {
    let mut told = String::new();
    let mut index = "";
    for line in plan {
        let line = line.trim_matches(['│', '├', '└', '─', ' ']);
        if let Some(table) = line.strip_prefix("ReadFromMergeTree (") {
            let table = table.trim_end_matches(')');
            let table = table.rsplit('.').next().unwrap();
            write!(told, "\n  {table}").unwrap();
        } else if ["PrimaryKey", "Skip", "MinMax", "Partition"].contains(&line) {
            index = line;
        } else if let Some(granules) = line.strip_prefix("Granules: ") {
            write!(told, " {index} {granules}").unwrap();
        }
    }
    told
}

/// What each query file reads, by its name. Every file of the folder is asked for: one that is new needs values for its
/// parameters, and shows.
pub(crate) async fn of_each_query(olap: &Olap, now: &str) -> BTreeMap<String, String> {
    let parameters = parameters(now);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clickhouse/queries");
    let mut told = BTreeMap::new();
    for file in fs::read_dir(directory).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let sql = fs::read_to_string(&file).unwrap();
        let mut query = olap.client().query(&format!("EXPLAIN indexes = 1 {sql}"));
        for parameter in asked(&sql) {
            let own = format!("{parameter} {name}");
            let value = parameters
                .get(own.as_str())
                .or_else(|| parameters.get(parameter));
            let value = value.unwrap_or_else(|| panic!("{name}: no value for {parameter}"));
            query = query.with_setting(format!("param_{parameter}"), value);
        }
        let plan: Vec<String> = query
            .fetch_all()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let reads = reads(&plan);
        assert!(
            !reads.is_empty(),
            "{name} reads nothing:\n{}",
            plan.join("\n")
        );
        told.insert(name.to_owned(), reads);
    }
    told
}
