//! The engine as a library takes the sinks of `<logger>` from the configuration, but its level only from the
//! command line: this reads the level.

use std::path::Path;

/// The level that `file` sets: `None` without a `<logger>`, ClickHouse's default `trace` without a level.
///
/// # Errors
/// The file cannot be read, is not XML, or takes the level from a variable that is not set.
pub(crate) fn level(file: &Path) -> Result<Option<String>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    level_in(&text, |name| std::env::var(name).ok())
}

fn level_in(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, String> {
    let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
    let child = |node: roxmltree::Node<'_, '_>, name| {
        node.children()
            .find(|it| it.has_tag_name(name))
            .map(|it| it.id())
    };
    let Some(logger) = child(document.root_element(), "logger") else {
        return Ok(None);
    };
    let level = child(
        document.get_node(logger).unwrap_or(document.root()),
        "level",
    );
    let Some(level) = level.and_then(|it| document.get_node(it)) else {
        return Ok(Some("trace".to_owned()));
    };
    if let Some(name) = level.attribute("from_env") {
        return variable(name)
            .map(Some)
            .ok_or_else(|| format!("the variable {name} is not set"));
    }
    Ok(Some(level.text().unwrap_or("trace").trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<String>, String> {
        level_in(text, |name| (name == "LEVEL").then(|| "error".to_owned()))
    }

    #[test]
    fn finds_the_level() {
        let cases = [
            ("<clickhouse/>", None),
            (
                "<clickhouse><logger><console>1</console></logger></clickhouse>",
                Some("trace"),
            ),
            (
                "<clickhouse><logger><level> warning </level></logger></clickhouse>",
                Some("warning"),
            ),
            ("<yandex><!-- <logger/> --><x><logger/></x></yandex>", None),
            (
                "<clickhouse><logger><level from_env=\"LEVEL\"/></logger></clickhouse>",
                Some("error"),
            ),
        ];
        for (text, level) in cases {
            assert_eq!(read(text).unwrap().as_deref(), level, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(read("<clickhouse>").is_err());
        let missing = read("<clickhouse><logger><level from_env=\"NO\"/></logger></clickhouse>");
        assert!(missing.unwrap_err().contains("NO"));
    }
}
