//! The Cofacts open data as it is published: four CSV files, each in a zip file of its own.
//!
//! | file | becomes |
//! |---|---|
//! | `article_replies.csv.zip` | posts, one per (articleId, replyId); status `DELETED` is a deleted post |
//! | `replies.csv.zip` | the posts' captions |
//! | `article_reply_feedbacks.csv.zip` | score 1: a like; a non-empty comment: a comment on the post |
//! | `reply_requests.csv.zip` | with [`CofactsOptions::with_reasons`]: a comment on each post of the article |
//!
//! Users are the distinct (userIdsha256, appId) of the lines that become something, as old as the first of them.

mod archive;
mod engagement;
mod people;
mod posts;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use crate::defect::Reason;
use crate::fields::{Fields, Spec};
use crate::input::{EachLine, ReadError, Stage, What};
use crate::key::Keys;
use crate::lines::read_csv;
use crate::row::{Kind, Line, Parsed};

pub(crate) const POSTS_FILE: &str = "article_replies.csv.zip";
const TEXTS_FILE: &str = "replies.csv.zip";
const FEEDBACK_FILE: &str = "article_reply_feedbacks.csv.zip";
const REQUESTS_FILE: &str = "reply_requests.csv.zip";

/// What to make of this source beyond what it says outright.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CofactsOptions {
    /// Turns the reason of a request for a reply into a comment on each post of the article.
    pub with_reasons: bool,
    /// Derives follows, which the source does not have: a user follows an author from the n-th like of that author's
    /// posts on.
    pub derive_follows: Option<u32>,
}

/// What a stage of this source reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Users,
    Follows,
    Posts,
    Likes,
    Comments,
    Reasons,
}

/// The folder with the four files.
#[derive(Debug)]
pub(crate) struct Cofacts {
    folder: PathBuf,
    keys: Keys,
    options: CofactsOptions,
    stages: Vec<Stage>,
    /// The good posts, read once: most stages refer to them.
    heads: OnceLock<HashMap<String, posts::Head>>,
}

impl Cofacts {
    pub(crate) fn open(
        folder: &Path,
        keys: Keys,
        options: CofactsOptions,
    ) -> Result<Self, ReadError> {
        let mut source = Self {
            folder: folder.to_owned(),
            keys,
            options,
            stages: Vec::new(),
            heads: OnceLock::new(),
        };
        let posts = source.bytes(POSTS_FILE)?;
        let texts = source.bytes(TEXTS_FILE)?;
        let feedback = source.bytes(FEEDBACK_FILE)?;
        let requests = source.bytes(REQUESTS_FILE)?;
        let people = posts + feedback + if options.with_reasons { requests } else { 0 };
        let mut stage = |kind, label: &str, bytes, part| {
            let label = label.to_owned();
            let what = What::Cofacts(part);
            source.stages.push(Stage {
                kind,
                label,
                bytes,
                what,
            });
        };
        stage(Kind::Users, "users", people, Part::Users);
        if options.derive_follows.is_some() {
            stage(Kind::Follows, "follows (derived)", feedback, Part::Follows);
        }
        stage(
            Kind::Posts,
            "article_replies.csv",
            posts + texts,
            Part::Posts,
        );
        stage(
            Kind::Likes,
            "article_reply_feedbacks.csv",
            feedback,
            Part::Likes,
        );
        stage(
            Kind::Comments,
            "article_reply_feedbacks.csv",
            feedback,
            Part::Comments,
        );
        if options.with_reasons {
            stage(
                Kind::Comments,
                "reply_requests.csv",
                requests,
                Part::Reasons,
            );
        }
        Ok(source)
    }

    pub(crate) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    pub(crate) fn read(
        &self,
        part: Part,
        done: &Arc<AtomicU64>,
        each: EachLine<'_>,
    ) -> Result<(), ReadError> {
        match part {
            Part::Users => people::users(self, done, each),
            Part::Follows => people::follows(self, done, each),
            Part::Posts => posts::read(self, done, each),
            Part::Likes => engagement::likes(self, done, each),
            Part::Comments => engagement::comments(self, done, each),
            Part::Reasons => engagement::reasons(self, done, each),
        }
    }

    fn bytes(&self, file: &str) -> Result<u64, ReadError> {
        archive::with_csv(&self.folder.join(file), &Arc::default(), |_, bytes| {
            Ok(bytes)
        })
    }

    /// Reads one of the files, line by line.
    fn lines(
        &self,
        file: &'static str,
        spec: &Spec,
        done: &Arc<AtomicU64>,
        each: &mut dyn FnMut(u64, Result<Fields, Reason>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let path = self.folder.join(file);
        archive::with_csv(&path, done, |reader, _| {
            read_csv(&path.display().to_string(), reader, spec, each)
        })
    }
}

/// The name a line is reported under: the CSV file inside the zip file.
fn shown(file: &'static str) -> Arc<str> {
    file.trim_end_matches(".zip").into()
}

fn line(file: &Arc<str>, number: u64, parsed: impl Into<Parsed>) -> Line {
    Line {
        file: Arc::clone(file),
        number,
        parsed: parsed.into(),
    }
}
