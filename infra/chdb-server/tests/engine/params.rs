//! Server-side parameters: `{name:Type}` with values from the crate's forms and from the URL.

use uuid::Uuid;

use crate::support::{Answer, Server};

const NASTY: [&str; 11] = [
    "",
    "plain",
    "it's",
    "\"double\" `back`",
    "back\\slash \\' \\n \\N",
    "tab\tnewline\nreturn\r",
    "null\u{0}byte",
    "ünïcödé 🦀 \u{202e}",
    "'; DROP TABLE t; --",
    "{x:String} /* */ $$ ?",
    "\\N",
];

#[tokio::test]
async fn strings_arrive_as_they_are() {
    let server = Server::start(&[]);
    let client = server.client();
    for value in NASTY {
        let (text, length) = client
            .query("SELECT {x:String}, length({x:String})")
            .param("x", value)
            .fetch_one::<(String, u64)>()
            .await
            .unwrap();
        assert_eq!((text.as_str(), length), (value, value.len() as u64));
        let nullable = client
            .query("SELECT {x:Nullable(String)}")
            .param("x", Some(value))
            .fetch_one::<Option<String>>()
            .await;
        assert_eq!(nullable.unwrap().as_deref(), Some(value));
    }
    let list: Vec<String> = client
        .query("SELECT arrayJoin({xs:Array(String)})")
        .param("xs", &NASTY[..])
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(list, NASTY);
}

#[tokio::test]
async fn other_types() {
    let server = Server::start(&[]);
    let client = server.client();
    let id = Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
    let text = client
        .query("SELECT concat(toString({id:UUID}), ' ', toString({at:DateTime64(6, 'UTC')}), ' ', toString({n:UInt64} + {small:UInt8}), ' ', toString({ratio:Float64}), ' ', toString({flag:Bool}))")
        .param("id", id)
        .param("at", "2026-11-22 23:53:13.947857")
        .param("n", u64::MAX - 1)
        .param("small", 1)
        .param("ratio", 0.25)
        .param("flag", true)
        .fetch_one::<String>()
        .await
        .unwrap();
    assert_eq!(
        text,
        "00112233-4455-6677-8899-aabbccddeeff 2026-11-22 23:53:13.947857 18446744073709551615 0.25 true"
    );
    let none = client
        .query("SELECT {x:Nullable(UInt32)}, {y:Nullable(DateTime64(3, 'UTC'))} IS NULL")
        .param("x", None::<u32>)
        .param("y", None::<String>)
        .fetch_one::<(Option<u32>, bool)>()
        .await
        .unwrap();
    assert_eq!(none, (None, true));
    let ids: Vec<Uuid> = (1..200).map(Uuid::from_u128).collect();
    let found = client
        .query("SELECT uniqExact(id), toString(max(id)) FROM (SELECT arrayJoin({ids:Array(UUID)}) AS id)")
        .param("ids", &ids)
        .fetch_one::<(u64, String)>()
        .await
        .unwrap();
    assert_eq!(found, (199, ids[198].to_string()));
}

#[tokio::test]
async fn parameters_of_the_url_take_the_escaped_form() {
    let server = Server::start(&[]);
    for (escaped, expected) in [
        ("a%5Ctb", "a\tb"),
        ("it's", "it's"),
        ("%5C%5C", "\\"),
        ("%C3%BC", "ü"),
    ] {
        let answer = server
            .send(
                &format!("param_x={escaped}&default_format=TSVRaw"),
                "SELECT {x:String}",
            )
            .await;
        assert_eq!(answer.text(), format!("{expected}\n"));
    }
}

#[tokio::test]
async fn parameters_serve_writes() {
    let server = Server::start(&[]);
    server
        .ask("CREATE TABLE t (x String) ENGINE = MergeTree ORDER BY x")
        .await;
    let client = server.client();
    client
        .query("INSERT INTO {table:Identifier} SELECT {x:String}")
        .param("table", "t")
        .param("x", "it's")
        .execute()
        .await
        .unwrap();
    let answer = server
        .send(
            "param_x=2&query=INSERT+INTO+t+VALUES",
            "({x:String}), ('y')",
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        server
            .ask("SELECT groupArray(x) FROM (SELECT x FROM t ORDER BY x)")
            .await,
        "['2','it\\'s','y']"
    );
}

#[tokio::test]
async fn wrong_and_missing_parameters_are_errors() {
    let server = Server::start(&[]);
    let wrong = server.send("param_x=abc", "SELECT {x:UInt8}").await;
    wrong.assert_error(500, 457, "BAD_QUERY_PARAMETER");
    let missing = server.send("", "SELECT {x:UInt8}").await;
    missing.assert_error(500, 456, "UNKNOWN_QUERY_PARAMETER");
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
    }
    body + "--edge--\r\n"
}

#[tokio::test]
async fn forms_by_hand() {
    let server = Server::start(&[]);
    let post = async |body: String| {
        let request = server.request("").body(body);
        Answer::read(request.header("content-type", "multipart/form-data; boundary=edge")).await
    };
    let fields = [("param_x", "5"), ("query", "SELECT {x:UInt8} + 1")];
    assert_eq!(post(form(&fields)).await.text(), "6\n");
    let external = post(form(&[("query", "SELECT 1"), ("temp", "1\n")])).await;
    external.assert_error(501, 48, "NOT_IMPLEMENTED");
    let cut = form(&fields);
    post(cut[..cut.len() - 12].to_owned())
        .await
        .assert_error(400, 36, "BAD_ARGUMENTS");
    post(form(&[("param_x", "5")]))
        .await
        .assert_error(400, 62, "SYNTAX_ERROR");
}

#[tokio::test]
async fn parallel_queries_keep_their_own_parameters() {
    let server = Server::start(&[]);
    let client = server.client();
    let tasks = (0..16_u64).map(|task| {
        let client = client.clone();
        tokio::spawn(async move {
            for round in 0..60_u64 {
                let n = task * 1000 + round;
                let text = format!("task {task}'s round {round}");
                let answer = client
                    .query("SELECT {n:UInt64}, {text:String}, toString({xs:Array(UInt64)})")
                    .param("n", n)
                    .param("text", &text)
                    .param("xs", vec![n, task])
                    .fetch_one::<(u64, String, String)>()
                    .await
                    .unwrap();
                assert_eq!(answer, (n, text, format!("[{n},{task}]")));
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.unwrap();
    }
}
