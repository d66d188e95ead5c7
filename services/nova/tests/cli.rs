//! The binary as a person meets it. No servers.

use std::process::{Command, Output};

const USER: &str = "0190b5a0-0000-7000-8000-000000000001";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Runs `nova` in an empty directory with these variables only: no endpoints file stands in for what is not set.
fn nova(arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Output> {
    let directory = tempfile::tempdir()?;
    let output = Command::new(env!("CARGO_BIN_EXE_nova"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(directory.path())
        .output()?;
    Ok(output)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_token_is_printed_alone_and_accepted() {
    let output = nova(
        &["token", USER, "--ttl", "30m"],
        &[("NOVA_AUTH_SECRET", SECRET)],
    )
    .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let token = stdout.strip_suffix('\n').unwrap();
    let env = nova_runtime::Env::from_pairs([("NOVA_AUTH_SECRET", SECRET)]);
    let config = nova_runtime::AuthConfig::from_env(&env).unwrap();
    let verifier = nova_api::auth::TokenVerifier::new(&config).unwrap();
    assert_eq!(verifier.verify(token), Ok(USER.parse().unwrap()));
}

/// What `nova api` needs; nobody listens there.
const SERVERS: [(&str, &str); 5] = [
    ("NOVA_POSTGRES_URL", "postgres://nova:hush@127.0.0.1:1/nova"),
    ("NOVA_CLICKHOUSE_URL", "http://nova:hush@127.0.0.1:1"),
    ("NOVA_KAFKA_BROKERS", "127.0.0.1:1"),
    ("NOVA_REDIS_URL", "redis://:hush@127.0.0.1:1"),
    ("NOVA_AUTH_SECRET", SECRET),
];

#[test]
fn what_is_missing_is_named() {
    let all = SERVERS.map(|(variable, _)| ("api", variable));
    let others = [
        ("token", "NOVA_AUTH_SECRET"),
        ("migrate", "NOVA_POSTGRES_URL"),
    ];
    for (command, variable) in all.into_iter().chain(others) {
        let rest = SERVERS.into_iter().filter(|(it, _)| *it != variable);
        let mut arguments = vec![command];
        arguments.extend((command == "token").then_some(USER));
        let output = nova(&arguments, &rest.collect::<Vec<_>>()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command} {variable}");
        assert!(
            text(&output.stderr).contains(&format!("{variable}: is not set")),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn an_address_that_cannot_be_bound_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let mut servers = SERVERS.to_vec();
    servers.push(("NOVA_API_ADDR", &addr));
    let output = nova(&["api"], &servers).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains(&format!("NOVA_API_ADDR: cannot listen on {addr}")),
        "{stderr}"
    );
    assert!(!stderr.contains("hush"), "{stderr}");
}
