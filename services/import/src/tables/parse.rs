//! One line's fields to one row: ids made, values checked.

use nova_domain::{
    Caption, CommentBody, DisplayName, EventType, Handle, MAX_DURATION_MS, MAX_DWELL_MS, MediaType,
    MediaUrl, TextError, Visibility,
};
use nova_social::bulk::{CommentRow, FollowRow, LikeRow, PostRow, UserRow};

use super::posts::PostTimes;
use crate::defect::{Defect, Reason};
use crate::fields::Fields;
use crate::key::Keys;
use crate::row::{EventRow, Kind, Row};

pub(crate) fn row(
    kind: Kind,
    fields: &Fields,
    keys: &Keys,
    times: &mut PostTimes,
) -> Result<Row, Reason> {
    Ok(match kind {
        Kind::Users => Row::User(user(fields, keys)?),
        Kind::Follows => Row::Follow(follow(fields, keys)?),
        Kind::Posts => Row::Post(post(fields, keys, times)?),
        Kind::Likes => Row::Like(LikeRow {
            post_id: times.find(keys, fields.text("post")?)?,
            user_id: keys.user(fields.text("user")?),
            created_at: fields.time("created_at")?,
        }),
        Kind::Comments => Row::Comment(comment(fields, keys, times)?),
        Kind::Events => Row::Event(event(fields, keys, times)?),
    })
}

fn user(fields: &Fields, keys: &Keys) -> Result<UserRow, Reason> {
    let handle = fields.text("handle")?;
    let display_name = fields.optional("display_name").unwrap_or(handle);
    Ok(UserRow {
        user_id: keys.user(fields.text("key")?),
        handle: Handle::parse(handle).map_err(|e| Reason::text("handle", &e))?,
        display_name: DisplayName::parse(display_name)
            .map_err(|e| Reason::text("display_name", &e))?,
        created_at: fields.time("created_at")?,
    })
}

fn follow(fields: &Fields, keys: &Keys) -> Result<FollowRow, Reason> {
    let follower_id = keys.user(fields.text("follower")?);
    let followee_id = keys.user(fields.text("followee")?);
    if follower_id == followee_id {
        let detail = "nobody follows themselves";
        return Err(Reason::about(Defect::InvalidValue, "followee", detail));
    }
    Ok(FollowRow {
        follower_id,
        followee_id,
        created_at: fields.time("created_at")?,
    })
}

fn post(fields: &Fields, keys: &Keys, times: &mut PostTimes) -> Result<PostRow, Reason> {
    let created_at = fields.time("created_at")?;
    let deleted_at = fields.optional_time("deleted_at")?;
    if deleted_at.is_some_and(|at| at < created_at) {
        let detail = "earlier than created_at";
        return Err(Reason::about(Defect::InvalidValue, "deleted_at", detail));
    }
    let media_url = fields.text("media_url")?;
    let mut post = PostRow {
        post_id: keys.post("", created_at),
        author_id: keys.user(fields.text("author")?),
        caption: Caption::parse(fields.text("caption")?)
            .map_err(|e| Reason::text("caption", &e))?,
        media_url: media_url
            .parse::<MediaUrl>()
            .map_err(|e: TextError| Reason::text("media_url", &e))?,
        media_type: fields.word("media_type", MediaType::Video)?,
        duration_ms: fields.number("duration_ms", MAX_DURATION_MS)?.unwrap_or(0),
        visibility: fields.word("visibility", Visibility::Public)?,
        created_at,
        deleted_at,
    };
    // Last, so that only good posts can be found by their keys.
    post.post_id = times.note(keys, fields.text("key")?, created_at)?;
    Ok(post)
}

fn comment(fields: &Fields, keys: &Keys, times: &PostTimes) -> Result<CommentRow, Reason> {
    let created_at = fields.time("created_at")?;
    Ok(CommentRow {
        comment_id: keys.comment(fields.text("key")?, created_at),
        post_id: times.find(keys, fields.text("post")?)?,
        user_id: keys.user(fields.text("user")?),
        body: CommentBody::parse(fields.text("body")?).map_err(|e| Reason::text("body", &e))?,
        created_at,
    })
}

fn event(fields: &Fields, keys: &Keys, times: &PostTimes) -> Result<EventRow, Reason> {
    let occurred_at = fields.time("occurred_at")?;
    fields.text("type")?;
    Ok(EventRow {
        event_id: keys.event(fields.text("key")?, occurred_at),
        user_id: keys.user(fields.text("user")?),
        // The default is never taken: the column was found above.
        event_type: fields.word("type", EventType::Impression)?,
        post_id: times.find(keys, fields.text("post")?)?,
        dwell_ms: fields.number("dwell_ms", MAX_DWELL_MS)?,
        occurred_at,
    })
}
