//! The page: HTML, style, script and icon, as they are in the binary. Nothing of it is made by a build step, and nothing
//! comes from another host.

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use crate::problem::{Kind, Problem};

/// Style and script come as files of their own, so that nothing inline has to be allowed.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal $kind:ident;)+) => {
        const FILES: &[(&str, &str, &str)] = &[
            $(($name, $kind, include_str!(concat!("page/", $name)))),+
        ];
    };
}

files! {
    "index.html" HTML;
    "console.css" CSS;
    "icon.svg" SVG;
    "main.js" JS;
    "actions.js" JS;
    "api.js" JS;
    "bar.js" JS;
    "card.js" JS;
    "dom.js" JS;
    "effect.js" JS;
    "feed.js" JS;
    "keys.js" JS;
    "picker.js" JS;
    "picture.js" JS;
    "ranking.js" JS;
    "servers.js" JS;
    "state.js" JS;
    "strip.js" JS;
    "text.js" JS;
}

pub(super) async fn page() -> Result<Response, Problem> {
    find("index.html")
}

pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    find(&name)
}

fn find(name: &str) -> Result<Response, Problem> {
    let (_, kind, text) = FILES
        .iter()
        .find(|(known, ..)| *known == name)
        .ok_or_else(|| Problem::new(Kind::NotFound))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    Ok((headers, *text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_no_other_host_and_nothing_inline() {
        for (name, _, text) in FILES {
            for elsewhere in ["https://", "//cdn", "@import"] {
                assert!(!text.contains(elsewhere), "{name}: {elsewhere}");
            }
            for inline in ["<style", " style=", " onclick=", "innerHTML", "eval("] {
                assert!(!text.contains(inline), "{name}: {inline}");
            }
        }
    }

    #[test]
    fn what_the_page_names_is_there() {
        for (name, kind, text) in FILES.iter().filter(|(_, kind, _)| *kind == JS) {
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let from = line
                    .split('\'')
                    .nth(1)
                    .and_then(|path| path.strip_prefix("./"));
                assert!(find(from.unwrap()).is_ok(), "{name} ({kind}): {line}");
            }
        }
        let (_, _, page) = FILES[0];
        for part in page.split("/console/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(find(name).is_ok(), "{name}");
        }
    }
}
