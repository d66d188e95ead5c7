//! How to go on by hand.

use anyhow::Context as _;

use super::client::{Client, Feed};
use super::people::Viewer;
use super::servers::heading;
use crate::console;
use crate::place::Place;

pub(super) fn show(
    client: &Client,
    place: &Place,
    viewer: &Viewer,
    feed: &Feed,
) -> anyhow::Result<()> {
    heading("By hand");
    let endpoints = &client.endpoints;
    if let Some(url) = console::url(endpoints) {
        println!("# the same in a browser, with every server to pause and resume");
        println!("{url}#{}", viewer.person.id);
    }
    let post = feed.items.first().context("the feed is empty")?.post_id;
    let auth = r#"-H "Authorization: Bearer $TOKEN""#;
    println!("# as {}", viewer.person.handle);
    println!("TOKEN={}", client.token(viewer.person.id)?);
    println!("curl -s {auth} '{}'", client.feed_url(5));
    println!("curl -s -X PUT {auth} '{}'", client.like_url(post));
    println!("curl -s -X DELETE {auth} '{}'", client.like_url(post));
    println!(
        "curl -s {auth} -H 'Content-Type: application/json' -d '{{\"body\":\"hello\"}}' '{}/api/v1/posts/{post}/comments'",
        endpoints.api
    );
    println!(
        "curl -s '{}/?query=SELECT+*+FROM+post_ranking_scores+WHERE+post_id+IN+(%27{post}%27)+FORMAT+Vertical'",
        endpoints.clickhouse
    );
    println!(
        "curl -s '{}/connectors/nova-postgres-cdc/status'",
        endpoints.connect
    );
    println!("curl -s '{}/metrics'", endpoints.admin);
    println!(
        "# all addresses and passwords: {}",
        place.endpoints().display()
    );
    Ok(())
}
