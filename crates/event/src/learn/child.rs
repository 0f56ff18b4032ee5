//! Which segments of a route may be names of things, and below which others they may stand.

use std::borrow::Cow;

use crate::preset::{
    ASSETS, DEEDS, FORMS, REDACTED, is_one_page, is_plural, names_a_place, spoken,
};

/// Longer ones are no names that anybody chose.
const MAX_LENGTH: usize = 128;

/// Files that are programs or pages, not things.
const PROGRAMS: &[&str] = &[
    "action", "asp", "aspx", "axd", "cfm", "cgi", "do", "htm", "html", "jsf", "jsp", "php",
    "phtml", "pl", "xhtml",
];

/// Forms in which one thing is asked for: `/articles/first-step.json`.
const FORMATS: &[&str] = &[
    "atom", "csv", "ics", "json", "ndjson", "pdf", "rss", "txt", "xlsx", "xml", "yaml", "yml",
    "zip",
];

/// Words that stand beside things without being one of them.
const ORDINARY: &[&str] = &[
    "about",
    "account",
    "action",
    "active",
    "activity",
    "advanced",
    "all",
    "archived",
    "assets",
    "auth",
    "autocomplete",
    "available",
    "billing",
    "bulk",
    "calendar",
    "callback",
    "categories",
    "category",
    "chart",
    "check",
    "choose",
    "compare",
    "config",
    "configuration",
    "count",
    "current",
    "custom",
    "daily",
    "data",
    "debug",
    "default",
    "deleted",
    "detail",
    "details",
    "disabled",
    "docs",
    "draft",
    "dry-run",
    "enabled",
    "error",
    "expired",
    "fields",
    "filter",
    "filters",
    "finished",
    "general",
    "global",
    "graph",
    "graphql",
    "health",
    "help",
    "hidden",
    "history",
    "home",
    "home-page",
    "hourly",
    "inactive",
    "index",
    "info",
    "insights",
    "items",
    "json",
    "labels",
    "last",
    "latest",
    "layout",
    "list",
    "live",
    "locked",
    "log",
    "login",
    "logout",
    "logs",
    "lookup",
    "main",
    "manage",
    "manual",
    "map",
    "mass",
    "me",
    "media",
    "meta",
    "metadata",
    "mine",
    "monthly",
    "my",
    "next",
    "none",
    "notes",
    "oauth",
    "offline",
    "online",
    "options",
    "order",
    "other",
    "overview",
    "own",
    "page",
    "pages",
    "password",
    "paused",
    "pending",
    "permissions",
    "popular",
    "prev",
    "previous",
    "print",
    "private",
    "profile",
    "public",
    "published",
    "query",
    "queue",
    "quick",
    "random",
    "raw",
    "recent",
    "register",
    "report",
    "reports",
    "roles",
    "rules",
    "running",
    "schema",
    "security",
    "select",
    "self",
    "session",
    "settings",
    "setup",
    "shared",
    "show",
    "signin",
    "signup",
    "sort",
    "spam",
    "statistics",
    "stats",
    "status",
    "stream",
    "structure",
    "suggest",
    "summary",
    "support",
    "suspended",
    "system",
    "table",
    "tags",
    "template",
    "templates",
    "today",
    "token",
    "tokens",
    "tools",
    "total",
    "totals",
    "tracking",
    "trash",
    "tree",
    "trending",
    "type",
    "types",
    "unread",
    "usage",
    "user",
    "users",
    "view",
    "webhook",
    "webhooks",
    "week",
    "weekly",
    "widget",
    "wizard",
    "year",
    "yearly",
    "yesterday",
];

/// Places below which each word is a page of its own.
const MANY_PAGES: &[&str] = &[
    "account",
    "action",
    "actions",
    "chart",
    "charts",
    "command",
    "commands",
    "config",
    "configuration",
    "docs",
    "documentation",
    "endpoint",
    "endpoints",
    "feature",
    "features",
    "function",
    "functions",
    "graph",
    "graphs",
    "help",
    "me",
    "method",
    "methods",
    "monitoring",
    "my-account",
    "my_account",
    "option",
    "page",
    "pages",
    "permission",
    "preference",
    "profile",
    "public",
    "report",
    "reports",
    "setting",
    "setup",
    "static",
    "system",
    "tool",
    "tools",
    "wizard",
];

/// What commands begin with: `get-users`, `mark_read`.
const COMMANDS: &[&str] = &[
    "accept",
    "apply",
    "ask",
    "auto",
    "batch",
    "bulk",
    "calculate",
    "check",
    "choose",
    "count",
    "fetch",
    "find",
    "force",
    "generate",
    "get",
    "has",
    "init",
    "insert",
    "is",
    "link",
    "list",
    "load",
    "lookup",
    "make",
    "mark",
    "mass",
    "multi",
    "put",
    "query",
    "quick",
    "read",
    "rebuild",
    "recalculate",
    "register",
    "rename",
    "reorder",
    "replace",
    "request",
    "resize",
    "save",
    "scan",
    "select",
    "set",
    "show",
    "sort",
    "submit",
    "subscribe",
    "switch",
    "toggle",
    "transfer",
    "undo",
    "unlink",
    "unsubscribe",
    "view",
    "write",
];

/// What a segment may be, if it may be the name of one thing among many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Child {
    /// A single word: `olena`, which only its place tells from a page.
    Word,
    /// Made up: `first-step`, `web-07.example.org`.
    Slug,
}

/// How much stands below a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Things of one kind: `/articles`.
    Collection,
    /// Perhaps one of them after the other: `/project/apollo`.
    Singular,
}

/// What this segment may be. The same for the same text, in every version that has learned it.
pub(super) fn child(segment: &str) -> Option<Child> {
    let (name, extension) = apart(segment);
    let unknown =
        |text: &str| text.len() > MAX_LENGTH || text.contains(['{', '}']) || text == REDACTED;
    if name.is_empty() || unknown(segment) || extension_of(segment).is_some_and(is_program) {
        return None;
    }
    debug_assert!(extension.len() < segment.len());
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || b"-.".contains(&byte));
    let lower: Cow<'_, str> = if plain {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_lowercase().replace('_', "-"))
    };
    let mut parts = lower
        .split(['-', '.', ' ', '+', '~', ':'])
        .filter(|part| !part.is_empty());
    let (first, second, more) = (parts.next(), parts.next(), parts.next().is_some());
    let command = |part: &str| is_in(COMMANDS, part) || is_deed(part);
    if is_ordinary(&lower) || names_a_place(&lower) {
        return None;
    }
    if second.is_some() && first.is_some_and(command) {
        return None;
    }
    if !more && second.is_some_and(command) {
        return None;
    }
    // `api-keys`: pages of several things are named so.
    if !more && (is_plural(first.unwrap_or_default()) || second.is_some_and(is_plural)) {
        return None;
    }
    if !name.chars().any(char::is_alphanumeric) || is_camel_case(name) {
        return None;
    }
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let made_up = second.is_some() || digits > 1 || !name.is_ascii();
    Some(if made_up { Child::Slug } else { Child::Word })
}

/// What may stand below this route, if things may.
pub(super) fn place(parent: &str) -> Option<Place> {
    let last = parent.rsplit('/').next().unwrap_or_default();
    if last.is_empty() || last.contains(['{', '}', '.']) {
        return None;
    }
    let lower = last.to_lowercase();
    let never = names_a_place(&lower)
        || is_one_page(&spoken(&lower))
        || is_in(MANY_PAGES, &lower)
        || is_deed(&lower)
        || is_camel_case(last);
    if never {
        return None;
    }
    Some(if is_plural(&spoken(&lower)) {
        Place::Collection
    } else {
        Place::Singular
    })
}

/// The name in a segment, and the format it is asked for in: `first-step`, `.json`.
pub(crate) fn apart(segment: &str) -> (&str, &str) {
    match extension_of(segment) {
        Some(extension) if is_one_of(FORMATS, extension) => {
            segment.split_at(segment.len() - extension.len() - 1)
        }
        _ => (segment, ""),
    }
}

fn extension_of(segment: &str) -> Option<&str> {
    let (stem, extension) = segment.rsplit_once('.')?;
    (!stem.is_empty()).then_some(extension)
}

fn is_program(extension: &str) -> bool {
    is_one_of(PROGRAMS, extension) || is_one_of(ASSETS, extension)
}

fn is_one_of(list: &[&str], word: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The lists are in order.
fn is_in(list: &[&str], word: &str) -> bool {
    list.binary_search(&word).is_ok()
}

fn is_ordinary(word: &str) -> bool {
    is_in(ORDINARY, word) || is_in(COMMANDS, word) || is_deed(word)
}

fn is_deed(word: &str) -> bool {
    is_in(DEEDS, word) || FORMS.binary_search_by_key(&word, |(form, _)| form).is_ok()
}

/// `getUserList`: a function of somebody's program.
fn is_camel_case(name: &str) -> bool {
    let pairs = name.as_bytes().windows(2);
    name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
        && pairs
            .filter(
                |pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()),
            )
            .count()
            > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_words_that_panels_use() {
        for slug in [
            "first-step",
            "web-07.example.org",
            "example.org",
            "Zürich",
            "how-we-got-here.json",
            "inv-2026-0007",
            "server12",
            "my_first_post",
            "nginx:1.27",
        ] {
            assert_eq!(child(slug), Some(Child::Slug), "{slug}");
        }
        for word in ["olena", "apollo", "nginx", "k8s"] {
            assert_eq!(child(word), Some(Child::Word), "{word}");
        }
        for page in [
            "new",
            "export",
            "billing",
            "me",
            "bulk-delete",
            "export-csv",
            "mark_read",
            "get_user_list",
            "getUserList",
            "options-general.php",
            "v2",
            "api",
            "clients",
            "api-keys",
            "{id}",
            "{secret}",
            "",
            "[redacted]",
            "style.css",
            "reset-password",
            "---",
            "permissions",
            "import",
        ] {
            assert_eq!(child(page), None, "{page}");
        }
    }

    #[test]
    fn lists_are_in_order_so_that_they_can_be_searched() {
        for list in [ORDINARY, COMMANDS, MANY_PAGES, DEEDS] {
            assert!(list.is_sorted(), "{list:?}");
        }
        assert!(FORMS.is_sorted_by_key(|(form, _)| form));
    }

    #[test]
    fn only_what_is_named_like_a_collection_holds_single_words() {
        for collection in [
            "/users",
            "/admin/articles",
            "/api/v1/dns-zones",
            "/user_groups",
        ] {
            assert_eq!(place(collection), Some(Place::Collection), "{collection}");
        }
        for single in ["/project", "/admin/client"] {
            assert_eq!(place(single), Some(Place::Singular), "{single}");
        }
        for never in [
            "",
            "/admin",
            "/api/v2",
            "/settings",
            "/admin/reports",
            "/clients/{id}",
            "/index.php",
            "/tools",
            "/users/export",
            "/system",
            "/statistics",
        ] {
            assert_eq!(place(never), None, "{never}");
        }
    }
}
