use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::row::Row;

const POSTS: &str = "\
articleId,replyId,userIdsha256,negativeFeedbackCount,positiveFeedbackCount,replyType,appId,status,createdAt,updatedAt
a1,r1,u1,0,2,RUMOR,WEBSITE,NORMAL,2018-01-16T14:04:38.124Z,2018-01-16T14:04:38.124Z
a1,r2,u2,0,0,RUMOR,WEBSITE,DELETED,2018-01-17T00:00:00.000Z,2018-01-18T00:00:00.000Z
a2,r1,u1,0,0,RUMOR,WEBSITE,NORMAL,,2018-01-18T00:00:00.000Z
a3,r9,u1,0,0,RUMOR,WEBSITE,NORMAL,2018-01-19T00:00:00.000Z,
a4,r2,u1,0,0,RUMOR,WEBSITE,HIDDEN,2018-01-19T00:00:00.000Z,
";

const TEXTS: &str = "\
id,type,reference,userIdsha256,appId,text,createdAt
r1,RUMOR,,u1,WEBSITE,\"first line
second line\",2018-01-16T14:00:00.000Z
r2,RUMOR,,,,影片,
";

const FEEDBACK: &str = "\
articleId,replyId,score,comment,userIdsha256,appId,createdAt
a1,r1,1,,u3,RUMORS_LINE_BOT,2018-02-01T00:00:00.000Z
a1,r1,-1,not clear to me,u4,RUMORS_LINE_BOT,2018-02-02T00:00:00.000Z
a2,r1,1,,u3,RUMORS_LINE_BOT,2018-02-03T00:00:00.000Z
a1,r2,1,,u3,RUMORS_LINE_BOT,2018-02-04T00:00:00.000Z
a1,r1,0,,u3,RUMORS_LINE_BOT,2018-02-05T00:00:00.000Z
";

const REQUESTS: &str = "\
articleId,reason,positiveFeedbackCount,negativeFeedbackCount,userIdsha256,appId,createdAt
a1,is this so?,0,0,u5,RUMORS_LINE_BOT,2018-01-10T00:00:00.000Z
a1,who says this?,0,0,,RUMORS_LINE_BOT,2018-01-11T00:00:00.000Z
a7,and this?,0,0,u5,RUMORS_LINE_BOT,2018-01-12T00:00:00.000Z
a1,,0,0,u6,RUMORS_LINE_BOT,2018-01-13T00:00:00.000Z
";

fn zipped(folder: &Path, file: &str, text: &str) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.join(file)).unwrap());
    zip.start_file(
        file.trim_end_matches(".zip"),
        zip::write::SimpleFileOptions::default(),
    )
    .unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap();
}

fn lines(source: &Cofacts) -> Vec<(Kind, Line)> {
    let mut found = Vec::new();
    for stage in source.stages() {
        let What::Cofacts(part) = stage.what else {
            panic!("{stage:?}")
        };
        source
            .read(part, &Arc::default(), &mut |line| {
                found.push((stage.kind, line));
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    found
}

#[test]
fn the_four_files_become_rows() {
    let folder = tempfile::tempdir().unwrap();
    zipped(folder.path(), POSTS_FILE, POSTS);
    zipped(folder.path(), TEXTS_FILE, TEXTS);
    zipped(folder.path(), FEEDBACK_FILE, FEEDBACK);
    zipped(folder.path(), REQUESTS_FILE, REQUESTS);
    let options = CofactsOptions {
        with_reasons: true,
        derive_follows: Some(1),
    };
    let source = Cofacts::open(folder.path(), Keys::new("default"), options).unwrap();
    insta::assert_debug_snapshot!(lines(&source));
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    zipped(folder.path(), POSTS_FILE, POSTS);
    let error = Cofacts::open(
        folder.path(),
        Keys::new("default"),
        CofactsOptions::default(),
    );
    assert!(error.unwrap_err().to_string().contains(TEXTS_FILE));
    std::fs::write(folder.path().join(TEXTS_FILE), "no zip").unwrap();
    let error = Cofacts::open(
        folder.path(),
        Keys::new("default"),
        CofactsOptions::default(),
    );
    assert!(matches!(error.unwrap_err(), ReadError::Archive { .. }));
}

/// The published folder, if this machine has it.
fn published() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cofacts");
    let folder = std::env::var_os("NOVA_COFACTS_DIR").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: {} is absent (NOVA_COFACTS_DIR names another)",
        folder.display()
    );
    None
}

#[test]
fn the_published_data_is_read_to_the_last_line() {
    let Some(folder) = published() else { return };
    let options = CofactsOptions {
        with_reasons: true,
        derive_follows: Some(2),
    };
    let source = Cofacts::open(&folder, Keys::new("default"), options).unwrap();
    let mut good: BTreeMap<Kind, u32> = BTreeMap::new();
    let mut told: BTreeMap<String, u32> = BTreeMap::new();
    let mut ids = HashSet::new();
    let mut users: HashMap<String, _> = HashMap::new();
    for (kind, line) in lines(&source) {
        match line.parsed {
            Parsed::Row(row) => {
                *good.entry(kind).or_default() += 1;
                match row {
                    Row::Post(post) => assert!(ids.insert(post.post_id.uuid())),
                    Row::Comment(comment) => assert!(ids.insert(comment.comment_id.uuid())),
                    Row::User(user) => {
                        let handle = user.handle.to_string();
                        assert_eq!(users.insert(handle, user.user_id), None);
                    }
                    _ => {}
                }
            }
            Parsed::Bad(reason) => {
                let why = format!(
                    "{}: bad: {} {:?}",
                    kind.as_str(),
                    reason.defect,
                    reason.column
                );
                *told.entry(why).or_default() += 1;
            }
            Parsed::Ignored(why) => {
                let why = format!("{}: ignored: {why}", kind.as_str());
                *told.entry(why).or_default() += 1;
            }
        }
    }
    // Only numbers: nothing of the data itself stands in the repository. Inline, for where the data is absent no test reads
    // a file.
    insta::assert_debug_snapshot!((good, told), @r#"
    (
        {
            Users: 22217,
            Follows: 8453,
            Posts: 26740,
            Likes: 57934,
            Comments: 7541,
        },
        {
            "comments: ignored: article without a post": 337,
            "likes: bad: unknown post None": 420,
            "likes: ignored: score -1, Nova has no dislike": 4019,
            "posts: bad: missing value Some(\"createdAt\")": 34,
        },
    )
    "#);
}
