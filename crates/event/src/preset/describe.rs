//! Sentences for requests that no line of a preset knows: method and resource.

use std::borrow::Cow;

use super::english::{is_plural, singular};
use super::ids::{is_id, without_extension};
use super::normal::{REDACTED, Segment};
use crate::encode_text;
use crate::learn::apart;

/// What the default rules say of a request.
pub(super) struct Description {
    pub(super) action: String,
    pub(super) object: Option<String>,
}

/// Segments that say where the panel is, not what is touched.
const PLACES: &[&str] = &[
    "admin",
    "administration",
    "ajax",
    "api",
    "app",
    "backend",
    "backoffice",
    "cp",
    "dashboard",
    "index.php",
    "json",
    "panel",
    "rest",
    "rpc",
    "web",
];

/// A last segment of a form's page or target, and the verb it means.
pub(crate) const FORMS: &[(&str, &str)] = &[
    ("add", "Created"),
    ("change", "Changed"),
    ("create", "Created"),
    ("delete", "Deleted"),
    ("destroy", "Deleted"),
    ("edit", "Changed"),
    ("new", "Created"),
    ("remove", "Deleted"),
    ("save", "Changed"),
    ("store", "Created"),
    ("update", "Changed"),
];

/// A last segment that is something one does.
pub(crate) const DEEDS: &[&str] = &[
    "activate",
    "approve",
    "archive",
    "assign",
    "backup",
    "ban",
    "block",
    "cancel",
    "clear",
    "clone",
    "close",
    "confirm",
    "connect",
    "copy",
    "deactivate",
    "deploy",
    "disable",
    "disconnect",
    "download",
    "duplicate",
    "enable",
    "execute",
    "export",
    "flush",
    "import",
    "install",
    "lock",
    "merge",
    "move",
    "open",
    "pause",
    "pay",
    "preview",
    "publish",
    "reboot",
    "refresh",
    "refund",
    "reject",
    "reload",
    "renew",
    "reopen",
    "resend",
    "reset",
    "restart",
    "restore",
    "resume",
    "retry",
    "revoke",
    "run",
    "search",
    "send",
    "shutdown",
    "start",
    "stop",
    "suspend",
    "sync",
    "terminate",
    "test",
    "unban",
    "unblock",
    "uninstall",
    "unlock",
    "unpublish",
    "unsuspend",
    "upgrade",
    "upload",
    "validate",
    "verify",
];

/// The route of a path: ids as `{id}`, secrets as `{secret}`.
pub(super) fn route_of(segments: &[Segment<'_>]) -> String {
    let mut route = String::with_capacity(48);
    for segment in segments {
        route.push('/');
        push_route_segment(segment, &mut route);
    }
    if route.is_empty() {
        route.push('/');
    }
    route
}

pub(super) fn push_route_segment(segment: &Segment<'_>, route: &mut String) {
    let text = &*segment.text;
    let (stem, extension) = without_extension(text);
    if text == REDACTED {
        route.push_str("{secret}");
    } else if segment.varies {
        route.push_str("{id}");
        route.push_str(&encode_text(apart(text).1));
    } else if is_id(text) {
        route.push_str("{id}");
    } else if is_id(stem) {
        route.push_str("{id}");
        route.push_str(&encode_text(extension));
    } else {
        route.push_str(&encode_text(text));
    }
}

/// The sentence and the object of a request.
pub(super) fn describe(method: &str, segments: &[Segment<'_>]) -> Description {
    let words = words_of(segments);
    let resource = Resource { words: &words };
    let action = match method {
        "GET" | "HEAD" => looked_at(resource),
        "POST" => sent_to(resource),
        "PUT" | "PATCH" => format!("Changed {}", resource.phrase(true)),
        "DELETE" => format!("Deleted {}", resource.phrase(true)),
        "OPTIONS" => format!("Asked what {} allows", resource.phrase(true)),
        "CONNECT" => "Asked for a tunnel".to_owned(),
        other => format!("Sent {} to {}", encode_text(other), resource.phrase(true)),
    };
    Description {
        action,
        object: resource.object(),
    }
}

fn looked_at(resource: Resource<'_>) -> String {
    if let Some((last, inner)) = resource.taken_apart()
        && let Some((word, verb)) = FORMS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(last))
    {
        return match *verb {
            "Created" => format!("Viewed form of new {}", inner.phrase(false)),
            _ => format!("Viewed {word} form of {}", inner.phrase(false)),
        };
    }
    let verb = if resource.is_collection() {
        "Listed"
    } else {
        "Viewed"
    };
    format!("{verb} {}", resource.phrase(true))
}

fn sent_to(resource: Resource<'_>) -> String {
    if let Some((last, inner)) = resource.taken_apart() {
        if let Some((_, verb)) = FORMS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(last))
        {
            return format!("{verb} {}", inner.phrase(false));
        }
        if let Some(deed) = DEEDS.iter().find(|word| word.eq_ignore_ascii_case(last)) {
            return format!("Ran {deed} on {}", inner.phrase(inner.is_collection()));
        }
    }
    if resource.words.is_empty() {
        return "Sent a form to start page".to_owned();
    }
    let verb = if resource.is_item() {
        "Changed"
    } else {
        "Created"
    };
    format!("{verb} {}", resource.phrase(false))
}

/// The segments of a path that name what is touched.
fn words_of<'a>(segments: &'a [Segment<'_>]) -> Vec<Word<'a>> {
    let all = segments.iter().map(|segment| {
        let text: &str = &segment.text;
        let stem = without_extension(text).0;
        let whole = is_id(text);
        let shown = match segment.varies {
            true => apart(text).0,
            false if whole => text,
            false => stem,
        };
        Word {
            text: encode_text(shown),
            id: segment.varies || text == REDACTED || whole || is_id(stem),
        }
    });
    let mut words: Vec<Word<'a>> = all.collect();
    let skipped = words
        .iter()
        .take_while(|word| names_a_place(&word.text))
        .count();
    // A path of places alone is about the last of them.
    words.drain(..skipped.min(words.len().saturating_sub(1)));
    words
}

pub(crate) fn names_a_place(word: &str) -> bool {
    let version = word.strip_prefix(['v', 'V']).is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    version || PLACES.iter().any(|place| place.eq_ignore_ascii_case(word))
}

struct Word<'a> {
    text: Cow<'a, str>,
    id: bool,
}

#[derive(Clone, Copy)]
struct Resource<'a> {
    words: &'a [Word<'a>],
}

impl<'a> Resource<'a> {
    /// The last word and what stands before it, if something does.
    fn taken_apart(self) -> Option<(&'a str, Self)> {
        let (last, words) = self.words.split_last()?;
        (!words.is_empty()).then_some((&*last.text, Self { words }))
    }

    fn is_item(self) -> bool {
        self.words.last().is_some_and(|word| word.id)
    }

    fn is_collection(self) -> bool {
        self.words
            .last()
            .is_some_and(|word| !word.id && is_plural(&spoken(&word.text)))
    }

    /// `client/4711`, `client/4711/service/9`: each id with what stands before it, one of them
    /// (`/clients/4711` too), so that what belongs to a thing is found with it.
    fn object(self) -> Option<String> {
        let mut parts: Vec<Cow<'_, str>> = Vec::new();
        let mut kind = None;
        for word in self.words {
            if word.id {
                parts.extend(
                    kind.take()
                        .map(|kind: &Word<'_>| Cow::Owned(singular(&kind.text))),
                );
                parts.push(Cow::Borrowed(&word.text));
            } else {
                kind = Some(word);
            }
        }
        (!parts.is_empty()).then(|| parts.join("/"))
    }

    /// "client 4711", "notes of client 4711", "settings/mail"; one of several unless `as_named`.
    fn phrase(self, as_named: bool) -> String {
        let Some(last) = self.words.last() else {
            return "start page".to_owned();
        };
        let item = self.words.iter().rposition(|word| word.id);
        let named = |words: &[Word<'_>]| {
            let spoken: Vec<_> = words
                .iter()
                .filter(|word| !word.id)
                .map(|word| spoken(&word.text))
                .collect();
            spoken.join("/")
        };
        let item_phrase = |at: usize| {
            let id = self.words.get(at).map_or("", |word| &word.text);
            let kind = self
                .words
                .get(..at)
                .and_then(|before| before.iter().rev().find(|word| !word.id));
            kind.map_or_else(
                || id.to_owned(),
                |kind| format!("{} {id}", singular(&spoken(&kind.text))),
            )
        };
        match item {
            Some(at) if last.id => item_phrase(at),
            Some(at) => {
                let part = named(self.words.get(at + 1..).unwrap_or_default());
                let part = if as_named { part } else { singular(&part) };
                format!("{part} of {}", item_phrase(at))
            }
            None if as_named => named(self.words),
            None => singular(&named(self.words)),
        }
    }
}

/// A segment as one says it: `admin-sessions` is "admin sessions".
pub(crate) fn spoken(segment: &str) -> String {
    segment.replace(['-', '_', '+'], " ").trim().to_owned()
}
