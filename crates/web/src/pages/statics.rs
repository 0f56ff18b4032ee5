//! Style sheets, scripts and icons, compiled in.
//!
//! One folder name carries the hash of all of them, so that relative imports between modules
//! work and every answer can be kept for a year.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::WebError;

/// A file as it is served.
struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

macro_rules! script {
    ($name:literal) => {
        File {
            name: $name,
            kind: JS,
            bytes: include_bytes!(concat!("../../static/js/", $name)),
        }
    };
}

macro_rules! sheets {
    ($($name:literal),+ $(,)?) => {
        concat!($(include_str!(concat!("../../static/css/", $name)), "\n"),+)
    };
}

/// Every style sheet, in the order of the cascade, as one file.
const SHEETS: &str = sheets!(
    "tokens.css",
    "base.css",
    "icon.css",
    "shell.css",
    "button.css",
    "menu.css",
    "filters.css",
    "chips.css",
    "chart.css",
    "badge.css",
    "search.css",
    "table.css",
    "drawer.css",
    "timeline.css",
    "notice.css",
    "form.css",
    "routes.css",
    "retention.css",
    "erasure.css",
    "dashboard.css",
    "alerts.css",
    "integrity.css",
    "dialog.css",
    "entry.css",
);

const FILES: &[File] = &[
    File {
        name: "app.css",
        kind: CSS,
        bytes: SHEETS.as_bytes(),
    },
    File {
        name: "icon.svg",
        kind: "image/svg+xml",
        bytes: include_bytes!("../../static/icon.svg"),
    },
    script!("main.js"),
    script!("announce.js"),
    script!("brush.js"),
    script!("copy.js"),
    script!("facets.js"),
    script!("help.js"),
    script!("keyboard.js"),
    script!("live.js"),
    script!("menu.js"),
    script!("navigate.js"),
    script!("preferences.js"),
    script!("refresh.js"),
    script!("rows.js"),
    script!("search.js"),
    script!("zone.js"),
];

/// The hash in the folder's name.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for file in FILES {
        hash.update(file.name.as_bytes());
        hash.update([0]);
        hash.update(Sha256::digest(file.bytes));
    }
    hex(&hash.finalize(), 6)
});

fn hex(bytes: &[u8], count: usize) -> String {
    bytes
        .iter()
        .take(count)
        .fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// The address of a file.
pub(crate) fn url(name: &str) -> String {
    format!("/static/{}/{name}", *VERSION)
}

/// `GET /static/{version}/{name}`: a file. Under another version than ours (a page from before an
/// update) it is ours all the same, but must not be kept.
pub(crate) async fn serve(
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let file = FILES
        .iter()
        .find(|file| file.name == name)
        .ok_or(WebError::NotFound)?;
    let tag = format!("\"{}\"", hex(&Sha256::digest(file.bytes), 12));
    let caching = if version == *VERSION {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*");
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.bytes.into_response()
    };
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    if !known {
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(version: &str, name: &str) -> Path<(String, String)> {
        Path((version.to_owned(), name.to_owned()))
    }

    #[tokio::test]
    async fn a_file_of_this_version_may_be_kept_for_ever_and_another_must_be_asked_for_again() {
        let ours = serve(path(&VERSION, "app.css"), HeaderMap::new())
            .await
            .unwrap();
        assert_eq!(ours.headers()[header::CONTENT_TYPE], CSS);
        assert!(
            ours.headers()[header::CACHE_CONTROL]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        let old = serve(path("0123", "app.css"), HeaderMap::new())
            .await
            .unwrap();
        assert_eq!(old.headers()[header::CACHE_CONTROL], "no-cache");

        let mut again = HeaderMap::new();
        again.insert(header::IF_NONE_MATCH, old.headers()[header::ETAG].clone());
        let unchanged = serve(path("0123", "app.css"), again).await.unwrap();
        assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        for name in ["", "../Cargo.toml", "app.css.map", "tokens.css"] {
            assert!(
                serve(path(&VERSION, name), HeaderMap::new()).await.is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn every_module_that_a_script_imports_is_served() {
        for file in FILES.iter().filter(|file| file.kind == JS) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let imports = text
                .lines()
                .filter_map(|line| line.split_once("from \"./")?.1.split_once('"'));
            for (name, _) in imports {
                assert!(
                    FILES.iter().any(|other| other.name == name),
                    "{} imports {name}",
                    file.name
                );
            }
        }
    }

    /// The content security policy forbids what a style sheet or script from elsewhere would need.
    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for file in FILES {
            let text = std::str::from_utf8(file.bytes)
                .unwrap()
                .replace("http://www.w3.org/2000/svg", "");
            assert!(
                !text.contains("http://") && !text.contains("https://"),
                "{}",
                file.name
            );
            assert!(!text.contains("@import"), "{}", file.name);
        }
    }
}
