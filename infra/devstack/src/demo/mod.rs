//! `demo`: the whole of Nova in front of one's eyes, from an empty machine to a like in somebody else's feed.
//!
//! Each step prints what it did, and fails rather than pretends. The steps own nothing but what they show: the servers
//! are `nova-testbed`'s, the data comes by `nova-import` or `nova-simulate`, as in the `nova` program.

mod by_hand;
mod client;
mod counts;
mod data;
mod feed_table;
mod journey;
mod people;
mod servers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, bail};
use nova_testbed::Stack;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::place::Place;
use crate::{console, desk};
use client::Client;
use data::Data;

/// What to show.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DemoArgs {
    /// A folder with users.jsonl, posts.jsonl, … or .csv, or the zipped files of cofacts. Without it a population is
    /// simulated.
    data: Option<PathBuf>,
    /// End after the last step instead of staying up until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// How many users the simulated population has.
    #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(2..))]
    users: u32,
    /// How long the population is simulated.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,
}

/// How a demonstration ended.
enum End {
    Shown,
    Interrupted,
}

pub(crate) async fn demo(place: &Place, arguments: &DemoArgs) -> anyhow::Result<ExitCode> {
    // Before minutes are spent on servers.
    let data = Data::find(arguments)?;
    place.create()?;
    let Some(_lock) = place.lock_for_demo()? else {
        place.refuse_beside_demo()?;
        bail!(
            "a stack is up in {}: take it down first, or name another directory with --dir",
            place.root().display()
        );
    };
    place.forget_stack();
    place
        .remove_run()
        .context("removing what the last stack left")?;
    let stack = tokio::select! {
        started = start(place) => started?,
        // Dropping the start takes everything down that was up.
        () = interrupted() => return Ok(ExitCode::FAILURE),
    };
    // For the console, and for `status` and `fault`.
    let listener = UnixListener::bind(place.socket())
        .with_context(|| format!("listening on {}", place.socket().display()))?;
    let end = tokio::select! {
        shown = show(place, &stack, &data, arguments) => shown.map(|()| End::Shown),
        () = interrupted() => Ok(End::Interrupted),
        never = desk::serve(&listener, &stack) => match never {},
    };
    place.forget_stack();
    match end {
        Ok(End::Shown) => {
            stack.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        Ok(End::Interrupted) => {
            println!("\nStopping.");
            stack.stop().await;
            // Ctrl-C is how the demonstration is meant to end, but only after the last step of one that ends by itself.
            Ok(if arguments.once {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
        Err(error) => {
            let logs = stack.run_dir().join("logs");
            stack.stop_and_keep().await;
            Err(error.context(format!(
                "the demonstration failed; logs: {}",
                logs.display()
            )))
        }
    }
}

async fn start(place: &Place) -> anyhow::Result<Stack> {
    servers::heading("Starting");
    let fetched = tokio::task::spawn_blocking(|| {
        let cache = nova_dist::Cache::from_env()?;
        nova_dist::ensure(&cache, &nova_dist::Terminal::new())
    });
    fetched.await?.context("fetching the servers")?;
    let printing = Mutex::new(());
    let stack = console::add(Stack::builder(), place)?
        .run_dir(place.run())
        .port_seed(place.port_seed())
        .nova(true)
        // The milliseconds of a commit that are shown include the disk.
        .durable(true)
        .keep_failed(true)
        .told(move |server, took| {
            let _one_line_at_a_time = printing.lock();
            println!("  {server:<12} ready after {:.1} s", took.as_secs_f64());
        })
        .start()
        .await?;
    stack.endpoints().save(&place.endpoints())?;
    Ok(stack)
}

async fn show(
    place: &Place,
    stack: &Stack,
    data: &Data,
    arguments: &DemoArgs,
) -> anyhow::Result<()> {
    servers::running(stack).await?;
    let client = Client::new(stack)?;
    servers::heading("Loading");
    let events = data.load(&client).await.context("loading the data")?;
    counts::wait_until_equal(&client, events).await?;
    let viewer = people::viewer(&client).await?;
    let feed = feed_table::show(&client, &viewer).await?;
    journey::show(&client, &viewer, &feed).await?;
    by_hand::show(&client, place, &viewer, &feed)?;
    if !arguments.once {
        println!("\nEverything stays up until Ctrl-C.");
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without the handler SIGTERM ends the process, and the watchdog cleans up.
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// A time as people read it.
fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
