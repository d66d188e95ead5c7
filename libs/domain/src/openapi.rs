//! The values as the document of the HTTP API describes them: forms and limits are those of the code.

use std::borrow::Cow;

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    Caption, CommentBody, CommentId, DisplayName, EventId, EventType, Handle, MediaType, MediaUrl,
    PostId, Source, SourceSet, UserId, Visibility,
};

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

macro_rules! named {
    ($name:ident, $schema:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                Schema::from($schema).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

macro_rules! id {
    ($name:ident, $description:literal) => {
        named!(
            $name,
            text()
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                .description(Some($description))
                .build()
        );
    };
}

macro_rules! words {
    ($name:ident, $description:literal) => {
        named!(
            $name,
            text()
                .enum_values(Some(Self::ALL.iter().map(|word| word.as_str())))
                .description(Some($description))
                .build()
        );
    };
}

id!(UserId, "A user, as a hyphenated UUID.");
id!(PostId, "A post, as a hyphenated UUID.");
id!(CommentId, "A comment, as a hyphenated UUID.");
id!(
    EventId,
    "A client event, as a hyphenated UUID made by the client: the deduplication key."
);

words!(
    Visibility,
    "Who may see a post. The author always may; `followers` are those of the author, `private` is nobody else."
);
words!(
    MediaType,
    "What `media_url` points at: a video or a still picture."
);
words!(
    EventType,
    "The kind of a client event: the post was on the screen, its video was played, it stayed there for `dwell_ms`, it was shared, it was opened."
);
words!(
    Source,
    "Where a post of a feed comes from: followed authors, what is trending, the authors the viewer interacted with most."
);

named!(
    SourceSet,
    ArrayBuilder::new()
        .items(Source::schema())
        .unique_items(true)
        .description(Some("Who proposed the post, highest priority first."))
        .build()
);

named!(
    Caption,
    text()
        .min_length(Some(1))
        .max_length(Some(Self::MAX_CHARS))
        .description(Some(
            "The text of a post: Unicode characters, not all of them white space, without U+0000."
        ))
        .build()
);
named!(
    CommentBody,
    text()
        .min_length(Some(1))
        .max_length(Some(Self::MAX_CHARS))
        .description(Some(
            "The text of a comment: Unicode characters, not all of them white space, without U+0000."
        ))
        .build()
);
named!(
    DisplayName,
    text()
        .min_length(Some(1))
        .max_length(Some(Self::MAX_CHARS))
        .description(Some(
            "The name shown to people: characters of any script, not all of them white space, without U+0000."
        ))
        .build()
);
named!(
    Handle,
    text()
        .min_length(Some(Self::MIN_CHARS))
        .max_length(Some(Self::MAX_CHARS))
        .pattern(Some("^[A-Za-z0-9_.]*$"))
        .description(Some(
            "The unique name of a user; upper case is folded to lower case."
        ))
        .build()
);
named!(
    MediaUrl,
    text()
        .max_length(Some(Self::MAX_BYTES))
        .format(Some(SchemaFormat::Custom("uri".to_owned())))
        .pattern(Some("^https?://"))
        .description(Some(
            "An absolute http or https URL, without white space; the length is counted in bytes."
        ))
        .build()
);
