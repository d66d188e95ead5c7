//! Likes and comments: what readers said of a reply, and why they asked for one.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use nova_domain::{CommentBody, PostId, UserId};
use nova_social::bulk::{CommentRow, LikeRow};

use super::posts::{Head, by_article, heads};
use super::{Cofacts, FEEDBACK_FILE, REQUESTS_FILE, line, people, posts, shown};
use crate::defect::{Defect, Reason};
use crate::fields::{Fields, Spec};
use crate::input::{EachLine, ReadError};
use crate::key::Keys;
use crate::row::{Parsed, Row};

pub(super) const FEEDBACK: Spec = Spec {
    columns: &[
        "articleId",
        "replyId",
        "score",
        "comment",
        "userIdsha256",
        "appId",
        "createdAt",
    ],
    required: &[
        "articleId",
        "replyId",
        "score",
        "comment",
        "userIdsha256",
        "appId",
        "createdAt",
    ],
    others_allowed: true,
};

pub(super) const REQUESTS: Spec = Spec {
    columns: &["articleId", "reason", "userIdsha256", "appId", "createdAt"],
    required: &["articleId", "reason", "userIdsha256", "appId", "createdAt"],
    others_allowed: true,
};

/// Why a score of -1 is passed over: Nova has no opposite of a like.
const NOT_USEFUL: &str = "score -1, Nova has no dislike";
/// An article that nobody replied to has no post that could carry the comment.
const NO_POST: &str = "article without a post";

/// What somebody wrote, if it is more than white space.
pub(super) fn words<'f>(fields: &'f Fields, column: &'static str) -> Option<&'f str> {
    fields
        .optional(column)
        .filter(|text| !text.trim().is_empty())
}

/// Whether a feedback line gives a like or a comment.
pub(super) fn becomes_something(fields: &Fields) -> bool {
    fields.optional("score") == Some("1") || words(fields, "comment").is_some()
}

fn post(fields: &Fields, heads: &HashMap<String, Head>) -> Result<PostId, Reason> {
    heads
        .get(&posts::key(fields)?)
        .map(|head| head.post_id)
        .ok_or_else(|| {
            let detail = "(articleId, replyId) is no good line of article_replies.csv";
            Reason::new(Defect::UnknownPost, detail)
        })
}

pub(super) fn author(fields: &Fields, heads: &HashMap<String, Head>) -> Option<UserId> {
    heads
        .get(&posts::key(fields).ok()?)
        .map(|head| head.author_id)
}

/// The like a feedback line stands for; none for a score of -1.
pub(super) fn like(
    fields: &Fields,
    heads: &HashMap<String, Head>,
    keys: &Keys,
) -> Result<Option<LikeRow>, Reason> {
    match fields.text("score")? {
        "1" => {}
        "-1" => return Ok(None),
        other => {
            let given: String = other.chars().take(40).collect();
            let detail = format!("must be 1 or -1, not `{given}`");
            return Err(Reason::about(Defect::InvalidValue, "score", detail));
        }
    }
    Ok(Some(LikeRow {
        user_id: people::id(fields, keys)?,
        created_at: fields.time("createdAt")?,
        post_id: post(fields, heads)?,
    }))
}

fn comment(
    fields: &Fields,
    body: &str,
    heads: &HashMap<String, Head>,
    keys: &Keys,
) -> Result<CommentRow, Reason> {
    let user_id = people::id(fields, keys)?;
    let created_at = fields.time("createdAt")?;
    let key = format!("feedback\n{}\n{user_id}", posts::key(fields)?);
    Ok(CommentRow {
        comment_id: keys.comment(&key, created_at),
        post_id: post(fields, heads)?,
        user_id,
        body: CommentBody::parse(body).map_err(|e| Reason::text("comment", &e))?,
        created_at,
    })
}

fn reason(fields: &Fields, body: &str, post_id: PostId, keys: &Keys) -> Result<CommentRow, Reason> {
    let user_id = people::id(fields, keys)?;
    let created_at = fields.time("createdAt")?;
    let key = format!("reason\n{post_id}\n{user_id}");
    Ok(CommentRow {
        comment_id: keys.comment(&key, created_at),
        post_id,
        user_id,
        body: CommentBody::parse(body).map_err(|e| Reason::text("reason", &e))?,
        created_at,
    })
}

pub(super) fn likes(
    source: &Cofacts,
    done: &Arc<AtomicU64>,
    each: EachLine<'_>,
) -> Result<(), ReadError> {
    let heads = heads(source)?;
    let file = shown(FEEDBACK_FILE);
    source.lines(FEEDBACK_FILE, &FEEDBACK, done, &mut |number, fields| {
        let parsed = match fields.and_then(|fields| like(&fields, heads, &source.keys)) {
            Ok(Some(like)) => Parsed::Row(Row::Like(like)),
            Ok(None) => Parsed::Ignored(NOT_USEFUL),
            Err(reason) => Parsed::Bad(reason),
        };
        each(line(&file, number, parsed))
    })
}

pub(super) fn comments(
    source: &Cofacts,
    done: &Arc<AtomicU64>,
    each: EachLine<'_>,
) -> Result<(), ReadError> {
    let heads = heads(source)?;
    let file = shown(FEEDBACK_FILE);
    source.lines(FEEDBACK_FILE, &FEEDBACK, done, &mut |number, fields| {
        // A line that cannot be read at all was told by the likes.
        let Ok(fields) = fields else {
            return ControlFlow::Continue(());
        };
        let Some(body) = words(&fields, "comment") else {
            return ControlFlow::Continue(());
        };
        let row = comment(&fields, body, heads, &source.keys).map(Row::Comment);
        each(line(&file, number, row))
    })
}

pub(super) fn reasons(
    source: &Cofacts,
    done: &Arc<AtomicU64>,
    each: EachLine<'_>,
) -> Result<(), ReadError> {
    let articles = by_article(source)?;
    let file = shown(REQUESTS_FILE);
    source.lines(REQUESTS_FILE, &REQUESTS, done, &mut |number, fields| {
        let fields = match fields {
            Ok(fields) => fields,
            Err(bad) => return each(line(&file, number, Parsed::Bad(bad))),
        };
        let (Some(body), Some(article)) = (words(&fields, "reason"), fields.optional("articleId"))
        else {
            return ControlFlow::Continue(());
        };
        let Some(posts) = articles.get(article) else {
            return each(line(&file, number, Parsed::Ignored(NO_POST)));
        };
        for post_id in posts {
            let row = reason(&fields, body, *post_id, &source.keys).map(Row::Comment);
            each(line(&file, number, row))?;
        }
        ControlFlow::Continue(())
    })
}
