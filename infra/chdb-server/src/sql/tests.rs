use super::*;

fn head(text: &str) -> (String, String, String) {
    let found = outline(text.as_bytes())
        .insert
        .unwrap_or_else(|| panic!("no data in {text:?}"));
    (
        text[..found.statement].to_owned(),
        found.format,
        text[found.data..].to_owned(),
    )
}

#[test]
fn an_insert_is_split_before_its_format() {
    let cases = [
        (
            "INSERT INTO t FORMAT CSV\n1,2\n",
            "INSERT INTO t ",
            "CSV",
            "1,2\n",
        ),
        (
            "insert into t(a, b) values (1, 'x')",
            "insert into t(a, b) ",
            "Values",
            " (1, 'x')",
        ),
        (
            "INSERT INTO t FORMAT CSV 1,2",
            "INSERT INTO t ",
            "CSV",
            "1,2",
        ),
        (
            "INSERT INTO t FORMAT RowBinary \r\n\n\x01",
            "INSERT INTO t ",
            "RowBinary",
            "\n\x01",
        ),
        (
            "INSERT INTO d.t SETTINGS a = 1 FORMAT JSONEachRow {}",
            "INSERT INTO d.t SETTINGS a = 1 ",
            "JSONEachRow",
            "{}",
        ),
        (
            "INSERT INTO format FORMAT TSV\n",
            "INSERT INTO format ",
            "TSV",
            "",
        ),
        (
            "INSERT INTO values.format (values) VALUES (1)",
            "INSERT INTO values.format (values) ",
            "Values",
            " (1)",
        ),
        (
            "INSERT INTO TABLE FUNCTION null('x UInt8') VALUES (1)",
            "INSERT INTO TABLE FUNCTION null('x UInt8') ",
            "Values",
            " (1)",
        ),
        (
            "/* c */ INSERT INTO `a b`.\"c\" -- FORMAT X\n FORMAT Y\n",
            "/* c */ INSERT INTO `a b`.\"c\" -- FORMAT X\n ",
            "Y",
            "",
        ),
    ];
    for (text, statement, format, data) in cases {
        let found = head(text);
        assert_eq!(
            (found.0.as_str(), found.1.as_str(), found.2.as_str()),
            (statement, format, data),
            "{text}"
        );
    }
}

#[test]
fn data_of_an_insert_is_not_looked_at() {
    let found = outline(b"INSERT INTO t VALUES (1); DROP TABLE t");
    assert!(!found.several && found.insert.is_some());
}

#[test]
fn statements_without_data_are_no_data_inserts() {
    for text in [
        "INSERT INTO t SELECT 1 FORMAT CSV",
        "INSERT INTO t",
        "INSERT INTO t FORMAT",
        "INSERT INTO t (a) WITH 1 AS x SELECT x",
        "SELECT 'INSERT INTO t VALUES (1)'",
        "EXPLAIN INSERT INTO t VALUES (1)",
        "",
    ] {
        assert_eq!(outline(text.as_bytes()).insert, None, "{text}");
    }
}

#[test]
fn several_statements_are_seen_through_strings_and_comments() {
    for text in [
        "SELECT 1; SELECT 2",
        "SELECT 1;\n-- c\nSELECT 2",
        "DROP TABLE t; nonsense",
        ";SELECT 1;;x",
    ] {
        assert!(outline(text.as_bytes()).several, "{text}");
    }
    for text in [
        "SELECT 1;",
        "SELECT ';' ; -- SELECT 2",
        "SELECT '\\';' , `;`, \";\" ;;",
        "SELECT 1 /* ; /* ; */ ; */",
        "SELECT $x$ ; $y$ ; $x$",
        "SELECT 'it''s; fine'",
        "SELECT 1; # ! comment",
        "SELECT 1 // ; x\n",
    ] {
        assert!(!outline(text.as_bytes()).several, "{text}");
    }
}

#[test]
fn the_last_top_level_format_counts() {
    assert_eq!(
        outline(b"SELECT 1 FORMAT JSON").format.as_deref(),
        Some("JSON")
    );
    assert_eq!(
        outline(b"SELECT 1 format TSV SETTINGS a = 1;")
            .format
            .as_deref(),
        Some("TSV")
    );
    assert_eq!(outline(b"SELECT format('{}', 1)").format, None);
    assert_eq!(outline(b"SELECT format FROM t").format, None);
    assert_eq!(
        outline(b"SELECT 1 AS format FORMAT JSON").format.as_deref(),
        Some("JSON")
    );
    assert_eq!(
        outline(b"SELECT * FROM (SELECT 1 FORMAT JSON)").format,
        None
    );
}

#[test]
fn session_and_file_clauses_are_seen() {
    assert!(outline(b"CREATE TEMPORARY TABLE t (a Int8)").temporary);
    assert!(outline(b"create or replace temporary table t (a Int8)").temporary);
    assert!(!outline(b"SELECT a, b, c, d FROM temporary").temporary);
    assert_eq!(
        outline(b"SELECT 1 INTO OUTFILE 'x'").file,
        Some(FileClause::IntoOutfile)
    );
    assert_eq!(
        outline(b"INSERT INTO t FROM INFILE 'x' FORMAT CSV").file,
        Some(FileClause::FromInfile)
    );
    assert_eq!(outline(b"SELECT 'INTO OUTFILE'").file, None);
}

#[test]
fn blanks_and_comments_are_empty() {
    for text in ["", " \n", "-- x", "/* x */ ; ;"] {
        assert!(outline(text.as_bytes()).empty, "{text}");
    }
    assert!(!outline(b"x").empty);
}

#[test]
fn unfinished_text_does_not_hang_or_panic() {
    let text = "INSERT INTO `t (a, '\\";
    for end in 0..=text.len() {
        let _ = outline(&text.as_bytes()[..end]);
    }
    for text in [
        "/*",
        "/* /* */",
        "$a$",
        "$",
        "'",
        "`a``",
        "\u{e9}\u{e9}",
        "((((",
        "))))",
    ] {
        assert_eq!(outline(text.as_bytes()).insert, None);
    }
}

#[test]
fn input_is_found_behind_a_select_only() {
    for text in [
        "INSERT INTO t SELECT a FROM input('a UInt8') FORMAT CSV",
        "insert into t (a) select a from (select * from Input ( 'a UInt8')) format CSV",
        "WITH 1 AS x INSERT INTO t SELECT a + x FROM input('a UInt8') FORMAT CSV",
    ] {
        assert!(outline(text.as_bytes()).input, "{text}");
    }
    for text in [
        "INSERT INTO input (a) VALUES (1)",
        "INSERT INTO input (a) SELECT 1",
        "INSERT INTO t SELECT input FROM s",
        "SELECT * FROM input",
    ] {
        assert!(!outline(text.as_bytes()).input, "{text}");
    }
}

#[test]
fn values_end_at_a_semicolon() {
    for values in ["(1); SELECT 2", " ('a;'), ('b') ; x", "(1);;1"] {
        assert!(goes_on(values.as_bytes()), "{values}");
    }
    for values in [
        "(1)",
        "(1);",
        "(1); -- end",
        "('a; b'), ('it''s; \\'; c');;",
    ] {
        assert!(!goes_on(values.as_bytes()), "{values}");
    }
}
