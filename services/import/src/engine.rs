//! Drives an import: reads on a thread of its own, checks or writes batch by batch, counts.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use nova_domain::{Handle, UserId};
use nova_social::bulk::{Bulk, Mode, Outcome};
use nova_stream::EventProducer;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::cofacts::Cofacts;
use crate::defect::{BadLine, Defect, Reason};
use crate::input::{Format, Input, ReadError, Stage};
use crate::key::Keys;
use crate::options::{ImportError, Options};
use crate::progress::Progress;
use crate::row::{Kind, Line, Parsed, Row};
use crate::shift::Scan;
use crate::summary::Summary;
use crate::tables::Tables;
use crate::write::Writer;

/// Rows of a batch: one statement and one transaction.
const BATCH: usize = 4_000;

/// How far a source's clock may run ahead of this machine's.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(1);

/// How long ClickHouse keeps events (`events_raw` in clickhouse/schema.sql).
const EVENTS_KEPT_DAYS: i64 = 90;

/// Imports a folder. `events` may be left out when the source has none.
///
/// # Errors
/// [`ImportError`]; what was written by then stays and is found again by the next run.
pub async fn run(
    options: &Options,
    bulk: Bulk,
    events: Option<EventProducer>,
) -> Result<Summary, ImportError> {
    let started = Instant::now();
    let keys = Keys::new(&options.namespace);
    let input = Arc::new(match options.format {
        Format::Jsonl | Format::Csv => {
            Input::Tables(Tables::open(&options.path, options.format, keys)?)
        }
        Format::Cofacts => Input::Cofacts(Cofacts::open(&options.path, keys, options.cofacts)?),
    });
    let has_events = input.stages().iter().any(|s| s.kind == Kind::Events);
    if has_events && events.is_none() {
        return Err(ImportError::NoKafka);
    }
    let mut import = Import {
        started,
        options,
        writer: Writer { bulk, events },
        input,
        now: Utc::now(),
        summary: Summary::default(),
        handles: HashMap::new(),
    };
    if options.shift_to_now {
        import.find_shift().await?;
    }
    for stage in import.input.clone().stages() {
        if !options.skip_bad {
            import.check(stage).await?;
        }
        import.pass(stage, Mode::Write).await?;
    }
    import.summary.took = started.elapsed();
    Ok(import.summary)
}

struct Import<'o> {
    started: Instant,
    options: &'o Options,
    writer: Writer,
    input: Arc<Input>,
    now: DateTime<Utc>,
    summary: Summary,
    /// While checking: who has which handle in the batches before, since nothing of them is in PostgreSQL yet.
    handles: HashMap<Handle, UserId>,
}

impl Import<'_> {
    async fn find_shift(&mut self) -> Result<(), ImportError> {
        let input = Arc::clone(&self.input);
        let scan = spawn_blocking(move || Scan::of(&input)).await??;
        let earlier = scan.earlier_shift(&self.writer.bulk).await?;
        self.summary.shift_continued = earlier.is_some();
        self.summary.shift = earlier.unwrap_or_else(|| scan.fresh_shift(self.now));
        Ok(())
    }

    /// Reads the stage without writing, and stops if a line of it is bad.
    async fn check(&mut self, stage: &Stage) -> Result<(), ImportError> {
        let before = self.summary.clone();
        self.pass(stage, Mode::Check).await?;
        self.handles.clear();
        let bad = |summary: &Summary| summary.of(stage.kind).bad;
        let count = bad(&self.summary) - bad(&before);
        if count > 0 {
            let mut summary = std::mem::take(&mut self.summary);
            summary.took = self.started.elapsed();
            return Err(ImportError::BadLines {
                file: stage.label.clone(),
                count,
                summary: Box::new(summary),
            });
        }
        self.summary = before;
        Ok(())
    }

    async fn pass(&mut self, stage: &Stage, mode: Mode) -> Result<(), ImportError> {
        let verb = match mode {
            Mode::Check => "checking",
            Mode::Write => "importing",
        };
        let progress = Progress::start(stage, verb, self.options.quiet);
        let (sender, mut batches) = mpsc::channel::<Vec<Line>>(2);
        let (input, read, done) = (
            Arc::clone(&self.input),
            stage.clone(),
            Arc::clone(&progress.done),
        );
        let reader = spawn_blocking(move || {
            let mut batch = Vec::with_capacity(BATCH);
            input.read(&read, &done, &mut |line| {
                batch.push(line);
                if batch.len() < BATCH {
                    return ControlFlow::Continue(());
                }
                // Nobody listens any more: the writer failed.
                match sender.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
                {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })?;
            let _unheard = sender.blocking_send(batch);
            Ok::<_, ReadError>(())
        });
        let mut shown = 0;
        while let Some(batch) = batches.recv().await {
            for bad in self.batch(stage.kind, mode, batch).await? {
                shown += 1;
                if shown <= self.options.show_bad {
                    progress.say(&bad.to_string());
                }
            }
            progress.update();
        }
        reader.await??;
        if shown > self.options.show_bad {
            let more = shown - self.options.show_bad;
            progress.say(&format!("… and {more} more bad lines in {}", stage.label));
        }
        progress.finish();
        Ok(())
    }

    /// Writes (or checks) one batch and returns its bad lines in the order of the file.
    async fn batch(
        &mut self,
        kind: Kind,
        mode: Mode,
        batch: Vec<Line>,
    ) -> Result<Vec<BadLine>, ImportError> {
        let mut bad = Vec::new();
        let mut places = Vec::with_capacity(batch.len());
        let mut rows = Vec::with_capacity(batch.len());
        self.summary.count(kind).read += u64::try_from(batch.len()).unwrap_or_default();
        for line in batch {
            match line.parsed {
                Parsed::Ignored(why) => self.summary.note_ignored(kind, why),
                Parsed::Bad(reason) => bad.push(BadLine {
                    file: line.file,
                    line: line.number,
                    reason,
                }),
                Parsed::Row(mut row) => {
                    row.shift(self.summary.shift);
                    match self.refuse(mode, &row) {
                        Some(reason) => bad.push(BadLine {
                            file: line.file,
                            line: line.number,
                            reason,
                        }),
                        None => {
                            places.push((line.file, line.number));
                            rows.push(row);
                        }
                    }
                }
            }
        }
        let outcomes = if rows.is_empty() {
            Vec::new()
        } else {
            self.writer.write(kind, mode, rows).await?
        };
        for ((file, line), outcome) in places.into_iter().zip(outcomes) {
            let counts = self.summary.count(kind);
            let reason = match outcome {
                Outcome::Written => {
                    counts.written += 1;
                    continue;
                }
                Outcome::Present => {
                    counts.present += 1;
                    continue;
                }
                Outcome::MissingPost => Reason::new(Defect::UnknownPost, "not in Nova"),
                Outcome::MissingUser => Reason::new(Defect::UnknownUser, "not in Nova"),
                Outcome::HandleTaken => handle_taken(),
            };
            bad.push(BadLine { file, line, reason });
        }
        bad.sort_by_key(|bad| bad.line);
        for line in &bad {
            self.summary.note_bad(kind, &line.reason);
        }
        Ok(bad)
    }

    /// What only the whole import can tell of a row, before PostgreSQL is asked.
    fn refuse(&mut self, mode: Mode, row: &Row) -> Option<Reason> {
        let newest = row.newest_time();
        if newest > self.now + CLOCK_SKEW {
            return Some(Reason::new(Defect::FutureTime, newest.to_rfc3339()));
        }
        if let Row::Event(event) = row
            && event.occurred_at < self.now - TimeDelta::days(EVENTS_KEPT_DAYS)
        {
            return Some(Reason::new(Defect::TooOld, event.occurred_at.to_rfc3339()));
        }
        if mode == Mode::Check
            && let Row::User(user) = row
        {
            let holder = self
                .handles
                .entry(user.handle.clone())
                .or_insert(user.user_id);
            return (*holder != user.user_id).then(handle_taken);
        }
        None
    }
}

fn handle_taken() -> Reason {
    Reason::about(Defect::HandleTaken, "handle", "another user has it")
}
