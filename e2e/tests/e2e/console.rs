//! The development console in a real browser.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use nova_e2e::{Browser, Person, World, console_socket, exclusive, run, say, wait_until};
use nova_testbed::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::ARRIVES;

/// More than one page of twenty.
const POSTS_EACH: usize = 8;
const AUTHORS: usize = 4;

/// Widths are whole pixels and shares of them.
const PIXELS: f64 = 1.0;

struct Cast {
    viewer: Person,
    witness: Person,
    /// Somebody whose feed nobody has asked for.
    newcomer: Person,
}

/// A viewer who follows three authors of four and has talked to all, and a witness who likes.
async fn cast(world: &World) -> Cast {
    let (viewer, witness, newcomer) = (
        world.person().await,
        world.person().await,
        world.person().await,
    );
    for number in 0..AUTHORS {
        let author = world.person().await;
        for post in 0..POSTS_EACH {
            let caption = format!("Post {post} of author {number}: 日本語, مرحبا, <b>&amp;</b>");
            let post = author.post(&caption).await;
            if number == 0 {
                witness.like(post).await;
            } else if number == AUTHORS - 1 {
                viewer.comment(post, "hello").await;
            }
        }
        witness.follow(author.id).await;
        newcomer.follow(author.id).await;
        if number + 1 < AUTHORS {
            viewer.follow(author.id).await;
        }
    }
    // A ranking stands for a minute: the first one is to find everything. Posts and comments come on ways of their own.
    let posts = format!(
        "SELECT count() FROM posts_by_author FINAL WHERE author_id IN (SELECT author_id FROM user_author_90d WHERE user_id = '{}')",
        viewer.id
    );
    let talks = format!(
        "SELECT count() FROM user_author_90d FINAL WHERE user_id = '{}'",
        viewer.id
    );
    for count in [&talks, &posts] {
        world.becomes(count, POSTS_EACH as u64, ARRIVES).await;
    }
    for person in [&viewer, &witness] {
        wait_until("more than a page", ARRIVES, || async {
            let (status, _, feed) = person.try_feed(100).await.unwrap();
            match feed.map(|feed| (feed.items.len(), feed.degraded)) {
                Some((enough, _)) if enough > (AUTHORS - 1) * POSTS_EACH => Ok(()),
                few => Err(format!("{status}: posts, and what is left out: {few:?}")),
            }
        })
        .await;
    }
    Cast {
        viewer,
        witness,
        newcomer,
    }
}

/// The supervisor's part of the stack's socket, played for the shared stack.
async fn supervise(world: &World, socket: &Path) -> Infallible {
    // What a run before this one has left.
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        answer(world, stream).await;
    }
}

async fn answer(world: &World, stream: UnixStream) {
    let (read, mut write) = stream.into_split();
    let Some(line) = BufReader::new(read).lines().next_line().await.unwrap() else {
        return;
    };
    let asked: Value = serde_json::from_str(&line).unwrap();
    let answer = if asked["ask"] == "status" {
        let servers = futures::future::join_all(
            world
                .stack
                .servers()
                .into_iter()
                .map(|server| report(world, server)),
        )
        .await;
        json!({"phase": "ready", "servers": servers, "pipeline": "as tests have it"})
    } else {
        let server: Server = asked["server"].as_str().unwrap().parse().unwrap();
        let done = match asked["kind"].as_str().unwrap() {
            "pause" => world.stack.pause(server).await,
            "resume" => world.stack.resume(server).await,
            other => panic!("the console asked for {other}"),
        };
        json!({"trouble": done.err().map(|error| error.to_string())})
    };
    // A page that was closed meanwhile.
    let _ = write.write_all(format!("{answer}\n").as_bytes()).await;
}

async fn report(world: &World, server: Server) -> Value {
    let trouble = world.stack.check(server).await.err();
    json!({
        "name": server.name(), "address": "127.0.0.1", "pid": world.stack.pid(server).unwrap_or(1),
        "memory": world.stack.memory(server), "paused": trouble.is_some(), "trouble": trouble,
    })
}

/// Chooses a user by typing their id, as one who has it in the clipboard.
async fn choose(browser: &Browser, picker: &str, person: &Person) {
    browser.focus(&format!("#{picker}-input")).await;
    browser.types(&person.id.to_string()).await;
    // Before anything is found: it is the one found for the whole text that is chosen.
    browser.press("Enter").await;
    let handle = format!("document.getElementById('{picker}-input').value");
    let chosen = format!(
        "!document.querySelector('#{picker}-list .none') && {handle} !== '{}' && document.getElementById('{picker}-list').hidden",
        person.id
    );
    browser.until("the user chosen", &chosen, &handle).await;
}

const CARDS: &str = "document.querySelectorAll('#feed .card').length";
const EFFECTS: &str = "document.querySelector('#effects').innerText";
const TILES: &str = "document.querySelector('#strip').innerText";

/// Waits for the newest effect to be seen; gives the milliseconds of the request and until it was visible.
async fn effect(browser: &Browser, what: &str) -> (f64, f64) {
    let newest = format!(
        "document.querySelector('#effects li:first-child')?.textContent.includes('{what}') && document.querySelector('#effects li:first-child').dataset.state === 'seen'"
    );
    browser.until(what, &newest, EFFECTS).await;
    let ms = |name: &str| {
        format!("document.querySelector('#effects li:first-child [data-ms={name}]').textContent")
    };
    let (request, visible): (String, String) = (
        browser.js(&ms("request")).await,
        browser.js(&ms("visible")).await,
    );
    let number = |text: String| {
        let (number, unit) = text.split_once(' ').unwrap_or_else(|| panic!("{text}"));
        number.parse::<f64>().unwrap() * if unit == "s" { 1_000.0 } else { 1.0 }
    };
    (number(request), number(visible))
}

/// A part of a bar as it is drawn, and as the API explains it.
#[derive(serde::Deserialize, Debug)]
struct Segment {
    name: String,
    width: f64,
    expected: f64,
}

/// The first page once more as the API explains it, beside the bars on the page.
const SEGMENTS: &str = "(async () => {
    const user = location.hash.slice(1);
    const {token} = await (await fetch(`/console/api/users/${user}/token`, {method: 'POST'})).json();
    const headers = {authorization: `Bearer ${token}`};
    const answer = await (await fetch('/api/v1/feed?limit=20&explain=true', {headers})).json();
    window.lastAnswer = answer;
    const {items, explain} = answer;
    const best = Math.max(...items.map((item) => item.score));
    const width = (element) => element.getBoundingClientRect().width;
    return items.flatMap((item) => [...document.querySelectorAll(`[data-post='${item.post_id}'] [data-term]`)].map((segment) => {
        const name = segment.dataset.term;
        const part = explain.formula[`${name}_weight`] * item.explain[name];
        return {name, width: width(segment), expected: width(segment.parentElement) * part / best};
    }));
})()";

/// Each part of each bar is as wide as its weighted term, and each term has parts to see. A ranking that was made
/// meanwhile, or one that had to do without something, is followed by another: a refresh shows it.
async fn bars_match_the_terms(browser: &Browser) {
    wait_until("bars as wide as their terms", ARRIVES, || async {
        let segments: Vec<Segment> = browser.js(SEGMENTS).await;
        let wrong = |segment: &&Segment| (segment.width - segment.expected).abs() > PIXELS;
        let drawn = |name: &&str| {
            let mut of_it = segments.iter().filter(|segment| segment.name == *name);
            of_it.any(|segment| segment.width > PIXELS)
        };
        let terms = ["freshness", "engagement", "affinity"];
        let missing = terms.into_iter().find(|name| !drawn(name));
        let state = match (segments.iter().find(wrong), missing) {
            (None, None) if segments.len() >= 3 * 15 => return Ok(()),
            (None, None) => format!("{} segments", segments.len()),
            (Some(wrong), _) => format!("{wrong:?}"),
            (None, Some(missing)) => {
                let told = "JSON.stringify([lastAnswer.degraded, lastAnswer.served_from, lastAnswer.explain])";
                format!("no {missing}: {}", browser.js::<String>(told).await)
            }
        };
        browser.click("#refresh").await;
        Err(state)
    })
    .await;
}

#[test]
fn a_feed_is_shown_explained_and_changed_in_the_console() {
    run(async {
        let world = exclusive().await;
        let cast = cast(&world).await;
        let socket = console_socket();
        tokio::select! {
            never = supervise(&world, &socket) => match never {},
            () = journey(&world, &cast) => {}
        }
        std::fs::remove_file(socket).unwrap();
    });
}

async fn journey(world: &World, cast: &Cast) {
    let browser = Browser::start().await;
    browser.looks("light", 1280, 1000).await;
    let console = format!("{}/console", world.stack.endpoints().api);
    // The address names the viewer, so that it is the one whatever the page would begin with.
    browser.open(&format!("{console}#{}", cast.viewer.id)).await;
    browser
        .until("a first feed", "location.hash", "document.body.innerText")
        .await;

    browser.press("Tab").await;
    let first: String = browser.js("document.activeElement.textContent").await;
    assert_eq!(first, "Skip to the feed", "the first stop of the keyboard");

    choose(&browser, "viewer", &cast.viewer).await;
    choose(&browser, "witness", &cast.witness).await;
    browser
        .until("twenty cards", &format!("{CARDS} >= 20"), CARDS)
        .await;
    browser
        .until(
            "names of authors",
            "document.querySelector('.card .name').textContent === 'A person'",
            "document.querySelector('.card').innerText",
        )
        .await;
    bars_match_the_terms(&browser).await;
    let spoken: String = browser
        .js("document.querySelector('.bar .unseen').textContent")
        .await;
    assert!(
        spoken.contains("freshness 0.3") && spoken.contains("affinity"),
        "{spoken}"
    );
    let light = browser.picture("console/light.png").await;

    like_by_keyboard(&browser).await;
    load_more(&browser).await;
    follow(&browser).await;
    block(&browser).await;

    let narrow = {
        browser.looks("light", 420, 1000).await;
        let overflows =
            "document.documentElement.scrollWidth > document.documentElement.clientWidth";
        assert!(
            !browser.js::<bool>(overflows).await,
            "the page is wider than a narrow window"
        );
        browser.picture("console/narrow.png").await
    };
    browser.looks("dark", 1280, 1000).await;
    let dark = browser.picture("console/dark.png").await;
    let paused = without_clickhouse(&browser, &cast.newcomer).await;

    assert_eq!(browser.troubles(), Vec::<String>::new());
    let own = format!("{}/", world.stack.endpoints().api);
    let elsewhere: Vec<String> = browser
        .urls()
        .into_iter()
        .filter(|url| !url.starts_with(&own) && url != "about:blank")
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new(), "requests to other hosts");
    for picture in [light, narrow, dark, paused] {
        say(&format!("console: {}", picture.display()));
    }
    browser.close().await;
}

async fn like_by_keyboard(browser: &Browser) {
    browser.focus("#feed").await;
    browser.press("j").await;
    browser.press("j").await;
    let card = "document.activeElement.closest('.card')";
    let place: String = browser
        .js(&format!("{card}.getAttribute('aria-posinset')"))
        .await;
    assert_eq!(place, "2", "the second card has the focus");
    let post: String = browser.js(&format!("{card}.dataset.post")).await;
    let count = format!(
        "Number(document.querySelector('[data-post=\"{post}\"] [data-count=likes]').dataset.n)"
    );
    let before: u64 = browser.js(&count).await;

    browser.press("l").await;
    let (request, visible) = effect(browser, "Like of").await;
    assert!(
        request > 0.0 && visible >= request && visible < 5_000.0,
        "{request} {visible}"
    );
    let pressed = format!(
        "document.querySelector('[data-post=\"{post}\"] .like').getAttribute('aria-pressed')"
    );
    browser
        .until(
            "the like on the card",
            &format!("{count} === {before} + 1 && {pressed} === 'true'"),
            &count,
        )
        .await;
    let focused: String = browser.js(&format!("{card}.dataset.post")).await;
    assert_eq!(focused, post, "the focus stays");
    say(&format!(
        "a like took {request} ms, and {visible} ms until it was counted in another feed"
    ));

    browser.press("e").await;
    browser
        .until(
            "the explanation",
            &format!("!document.getElementById('why-{post}').hidden"),
            "1",
        )
        .await;
}

/// An author whom the viewer does not follow, from the first card there is of such a one.
async fn follow(browser: &Browser) {
    let button = "document.querySelector('[data-act=follow][aria-pressed=false]')";
    let author: String = browser
        .js(&format!("{button}.closest('.card').dataset.author"))
        .await;
    browser.click("[data-act=follow][aria-pressed=false]").await;
    let (request, visible) = effect(browser, "Follow @").await;
    assert!(request > 0.0 && visible < 10_000.0, "{request} {visible}");
    let now = format!(
        "document.querySelector('[data-author=\"{author}\"] [data-act=follow]').textContent"
    );
    browser
        .until("followed", &format!("{now} === 'Following'"), &now)
        .await;
}

async fn load_more(browser: &Browser) {
    let distinct =
        "new Set([...document.querySelectorAll('.card')].map((card) => card.dataset.post)).size";
    let before: u64 = browser.js(CARDS).await;
    if browser.js("!document.getElementById('more').hidden").await {
        browser.click("#more").await;
        browser
            .until(
                "more cards",
                &format!("{CARDS} > {before} || !document.getElementById('end').hidden"),
                CARDS,
            )
            .await;
    }
    let (all, different): (u64, u64) = (browser.js(CARDS).await, browser.js(distinct).await);
    assert!(all > 20, "{all} cards");
    assert_eq!(all, different, "no post twice");
}

/// The author of the third card.
async fn block(browser: &Browser) {
    let author: String = browser
        .js("document.querySelector('.card[aria-posinset=\"3\"]').dataset.author")
        .await;
    let theirs = format!("document.querySelectorAll('.card[data-author=\"{author}\"]').length");
    browser
        .click(&format!("[data-author=\"{author}\"] [data-act=block]"))
        .await;
    let (request, visible) = effect(browser, "Block @").await;
    assert!(request > 0.0 && visible < 5_000.0, "{request} {visible}");
    browser
        .until(
            "no card of who is blocked",
            &format!("{theirs} === 0 && {CARDS} > 0"),
            &theirs,
        )
        .await;
    let blocked = "document.getElementById('blocked').children.length";
    browser
        .until(
            "the list of who is blocked",
            &format!("{blocked} === 1"),
            blocked,
        )
        .await;
}

/// Somebody whose feed nobody has asked for yet: nothing of it is kept anywhere.
async fn without_clickhouse(browser: &Browser, newcomer: &Person) -> PathBuf {
    let row = "#servers li[data-server=clickhouse]";
    let state = format!("document.querySelector('{row}')?.dataset.state");
    browser
        .until(
            "the servers",
            &format!("{state} === 'up'"),
            "document.getElementById('servers').innerText",
        )
        .await;
    browser.click("#auto").await;
    browser.click(&format!("{row} button")).await;
    browser
        .until(
            "a paused ClickHouse",
            &format!("{state} === 'paused'"),
            &state,
        )
        .await;

    choose(browser, "viewer", newcomer).await;
    let degraded = "document.querySelector('[data-tile=degraded]').textContent";
    browser
        .until(
            "a feed all the same, that says what is missing",
            &format!("{degraded} !== 'nothing' && {CARDS} > 0"),
            TILES,
        )
        .await;
    let picture = browser.picture("console/paused.png").await;

    browser.click(&format!("{row} button")).await;
    browser
        .until("ClickHouse again", &format!("{state} === 'up'"), &state)
        .await;
    browser
        .until(
            "nothing missing",
            &format!("{degraded} === 'nothing' && {CARDS} > 0"),
            TILES,
        )
        .await;
    picture
}
