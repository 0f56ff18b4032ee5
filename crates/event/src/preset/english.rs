//! One thing and several things, for sentences about resources of unknown panels.

/// Words that end in s and are one thing, or have no singular.
const AS_THEY_ARE: &[&str] = &[
    "access",
    "address",
    "alias",
    "analytics",
    "bonus",
    "business",
    "campus",
    "canvas",
    "credentials",
    "details",
    "diagnostics",
    "dns",
    "express",
    "https",
    "ids",
    "ios",
    "jobs",
    "kubernetes",
    "ldaps",
    "metrics",
    "nexus",
    "news",
    "nis",
    "options",
    "permissions",
    "preferences",
    "process",
    "progress",
    "redis",
    "sms",
    "smtps",
    "stats",
    "statistics",
    "status",
    "tls",
    "vps",
];

/// Words that name one page of several settings.
const ONE_PAGE: &[&str] = &[
    "settings",
    "details",
    "preferences",
    "statistics",
    "stats",
    "options",
    "credentials",
    "permissions",
    "diagnostics",
    "analytics",
    "metrics",
    "credentials",
];

/// Whether a word names a page of several settings.
pub(crate) fn is_one_page(word: &str) -> bool {
    ONE_PAGE.contains(&last_word(word))
}

/// Whether a word reads like several things.
pub(crate) fn is_plural(word: &str) -> bool {
    let last = last_word(word);
    let plural = last.len() > 3 && last.ends_with('s') && !last.ends_with("ss");
    let one = last.ends_with("us") || last.ends_with("is");
    plural && !one && !ONE_PAGE.contains(&last) && (last == "jobs" || !AS_THEY_ARE.contains(&last))
}

/// One of them.
pub(super) fn singular(word: &str) -> String {
    let last = last_word(word);
    if last == "jobs" {
        return word.get(..word.len() - 1).unwrap_or(word).to_owned();
    }
    if !is_plural(word) {
        return word.to_owned();
    }
    let stem =
        |cut: usize, end: &str| format!("{}{end}", word.get(..word.len() - cut).unwrap_or(word));
    if last.ends_with("ies") && last.len() > 4 {
        stem(3, "y")
    } else if ["sses", "shes", "ches", "xes", "zes", "uses"]
        .iter()
        .any(|end| last.ends_with(end))
    {
        stem(2, "")
    } else {
        stem(1, "")
    }
}

/// Several of them.
pub(super) fn plural(word: &str) -> String {
    let last = last_word(word);
    if is_plural(word) || ONE_PAGE.contains(&last) || last.is_empty() {
        return word.to_owned();
    }
    let vowel_y = ["ay", "ey", "iy", "oy", "uy"]
        .iter()
        .any(|end| last.ends_with(end));
    if last.ends_with('y') && !vowel_y {
        return format!("{}ies", word.get(..word.len() - 1).unwrap_or(word));
    }
    let hissing = ["s", "x", "z", "ch", "sh"]
        .iter()
        .any(|end| last.ends_with(end));
    if hissing {
        format!("{word}es")
    } else {
        format!("{word}s")
    }
}

fn last_word(words: &str) -> &str {
    words.rsplit([' ', '/']).next().unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_counted() {
        for (one, many) in [
            ("client", "clients"),
            ("company", "companies"),
            ("key", "keys"),
            ("address", "addresses"),
            ("box", "boxes"),
            ("branch", "branches"),
            ("job", "jobs"),
            ("log entry", "log entries"),
            ("user", "users"),
        ] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many), one);
            assert!(is_plural(many) && !is_plural(one), "{one}");
        }
        for same in ["settings", "status", "access", "news"] {
            assert_eq!(singular(same), same);
            assert!(!is_plural(same), "{same}");
        }
    }
}
