//! Posts: the connection of an article with a reply, and what likes and comments need to know of it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use chrono::{DateTime, Utc};
use nova_domain::{Caption, MediaType, MediaUrl, PostId, TextError, UserId, Visibility};
use nova_social::bulk::PostRow;

use super::{Cofacts, POSTS_FILE, TEXTS_FILE, line, people, shown};
use crate::defect::{Defect, Reason};
use crate::fields::{Fields, Spec};
use crate::input::{EachLine, ReadError};
use crate::key::Keys;
use crate::row::Row;

pub(super) const SPEC: Spec = Spec {
    columns: &[
        "articleId",
        "replyId",
        "userIdsha256",
        "appId",
        "status",
        "createdAt",
        "updatedAt",
    ],
    required: &[
        "articleId",
        "replyId",
        "userIdsha256",
        "appId",
        "status",
        "createdAt",
        "updatedAt",
    ],
    others_allowed: true,
};

const TEXTS: Spec = Spec {
    columns: &["id", "text"],
    required: &["id", "text"],
    others_allowed: true,
};

/// A good line of the posts file, without its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub post_id: PostId,
    pub author_id: UserId,
    pub created_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

/// No part of a key contains it: ids of the source are words.
const SEPARATOR: char = '\n';

/// The key of a post.
pub(super) fn key(fields: &Fields) -> Result<String, Reason> {
    let (article, reply) = (fields.text("articleId")?, fields.text("replyId")?);
    Ok(format!("{article}{SEPARATOR}{reply}"))
}

pub(super) fn head(fields: &Fields, keys: &Keys) -> Result<Head, Reason> {
    let key = key(fields)?;
    let author_id = people::id(fields, keys)?;
    let created_at = fields.time("createdAt")?;
    let deleted_at = match fields.text("status")? {
        "NORMAL" => None,
        "DELETED" => Some(fields.time("updatedAt")?),
        other => {
            let given: String = other.chars().take(40).collect();
            let detail = format!("must be NORMAL or DELETED, not `{given}`");
            return Err(Reason::about(Defect::InvalidValue, "status", detail));
        }
    };
    if deleted_at.is_some_and(|at| at < created_at) {
        let detail = "earlier than createdAt";
        return Err(Reason::about(Defect::InvalidValue, "updatedAt", detail));
    }
    Ok(Head {
        post_id: keys.post(&key, created_at),
        author_id,
        created_at,
        deleted_at,
    })
}

/// A post out of a line and its text.
pub(super) fn row(
    fields: &Fields,
    texts: &HashMap<String, String>,
    keys: &Keys,
) -> Result<PostRow, Reason> {
    let head = head(fields, keys)?;
    let reply = fields.text("replyId")?;
    let text = texts.get(reply).ok_or_else(|| {
        let detail = format!("reply `{reply}` has no text in replies.csv");
        Reason::about(Defect::UnknownText, "replyId", detail)
    })?;
    let caption = Caption::parse(text.as_str()).map_err(|e| Reason::text("text", &e))?;
    // Nova stores no media, the source has none: an address that leads nowhere and a length that never changes.
    let media_url = format!("https://media.example/cofacts/{}.mp4", head.post_id);
    let digest = keys.digest("duration", &key(fields)?);
    let duration_ms = 5_000 + u32::from(u16::from_be_bytes([digest[0], digest[1]])) % 55_000;
    Ok(PostRow {
        post_id: head.post_id,
        author_id: head.author_id,
        caption,
        media_url: media_url
            .parse::<MediaUrl>()
            .map_err(|e: TextError| Reason::text("replyId", &e))?,
        media_type: MediaType::Video,
        duration_ms,
        visibility: Visibility::Public,
        created_at: head.created_at,
        deleted_at: head.deleted_at,
    })
}

pub(super) fn read(
    source: &Cofacts,
    done: &Arc<AtomicU64>,
    each: EachLine<'_>,
) -> Result<(), ReadError> {
    let mut texts = HashMap::new();
    source.lines(TEXTS_FILE, &TEXTS, done, &mut |_, fields| {
        // A line without id or text is told by the post that misses it.
        if let Ok(fields) = fields
            && let (Some(id), Some(text)) = (fields.optional("id"), fields.optional("text"))
        {
            texts.insert(id.to_owned(), text.to_owned());
        }
        ControlFlow::Continue(())
    })?;
    let file = shown(POSTS_FILE);
    source.lines(POSTS_FILE, &SPEC, done, &mut |number, fields| {
        let row = fields.and_then(|fields| row(&fields, &texts, &source.keys).map(Row::Post));
        each(line(&file, number, row))
    })
}

/// The good posts by key; read on the first call.
pub(super) fn heads(source: &Cofacts) -> Result<&HashMap<String, Head>, ReadError> {
    if let Some(heads) = source.heads.get() {
        return Ok(heads);
    }
    let mut heads = HashMap::new();
    // Not counted as progress: which stage comes first depends on the options.
    source.lines(POSTS_FILE, &SPEC, &Arc::default(), &mut |_, fields| {
        if let Ok(fields) = fields
            && let (Ok(key), Ok(head)) = (key(&fields), head(&fields, &source.keys))
        {
            heads.insert(key, head);
        }
        ControlFlow::Continue(())
    })?;
    Ok(source.heads.get_or_init(|| heads))
}

/// The good posts of each article, in the order of their ids.
pub(super) fn by_article(source: &Cofacts) -> Result<HashMap<&str, Vec<PostId>>, ReadError> {
    let mut articles: HashMap<&str, Vec<PostId>> = HashMap::new();
    for (key, head) in heads(source)? {
        let article = key.split_once(SEPARATOR).map_or("", |(article, _)| article);
        articles.entry(article).or_default().push(head.post_id);
    }
    articles
        .values_mut()
        .for_each(|posts| posts.sort_unstable());
    Ok(articles)
}
