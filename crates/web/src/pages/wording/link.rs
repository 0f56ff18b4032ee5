//! Addresses of views beside the one that is shown.

use admintrail_event::filter::quote;
use admintrail_event::{Filter, Micros, PanelName, SessionHash};

use crate::ViewQuery;

/// The list of requests.
pub(crate) const REQUESTS: &str = "/monitoring/admin-sessions";
/// The tab Sessions.
pub(crate) const SESSIONS: &str = "/monitoring/admin-sessions/sessions";
/// The tab Admins.
pub(crate) const ADMINS: &str = "/monitoring/admin-sessions/admins";
/// What the viewer sets for themselves.
pub(crate) const ACCOUNT: &str = "/settings/account";
/// The tab IP addresses.
pub(crate) const ADDRESSES: &str = "/monitoring/admin-sessions/ip-addresses";

/// Conditions that hold, and those that are over.
pub(crate) const ALERTS: &str = "/monitoring/alerts";
/// Whether the record is what it was.
pub(crate) const ERASURE: &str = "/settings/erasure";
pub(crate) const INTEGRITY: &str = "/monitoring/integrity";
pub(crate) const ANCHORS: &str = "/monitoring/integrity#anchors";

/// The page of one session: its timeline.
pub(crate) fn session_page(panel: &PanelName, session: &SessionHash) -> String {
    format!("{SESSIONS}/{panel}/{session}")
}

/// Makes addresses from the view that was typed: what is not changed stays.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    path: String,
    typed: ViewQuery,
}

impl Links {
    pub(crate) fn new(path: &str, typed: ViewQuery) -> Self {
        Self {
            path: path.to_owned(),
            typed,
        }
    }

    /// The view as it was typed.
    pub(crate) fn typed(&self) -> &ViewQuery {
        &self.typed
    }

    /// This very address.
    pub(crate) fn here(&self) -> String {
        self.with(|_| {})
    }

    /// The same page of the view, otherwise changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut ViewQuery)) -> String {
        self.at(&self.path, change)
    }

    /// Another view on this path: from its first page on, no event open.
    pub(crate) fn fresh(&self, change: impl FnOnce(&mut ViewQuery)) -> String {
        self.fresh_at(&self.path, change)
    }

    /// Another view on another path.
    pub(crate) fn fresh_at(&self, path: &str, change: impl FnOnce(&mut ViewQuery)) -> String {
        self.at(path, |query| {
            query.cursor = None;
            query.last = false;
            query.event = None;
            change(query);
        })
    }

    /// The list of requests with one more term.
    pub(crate) fn requests_with(&self, term: &str) -> String {
        self.fresh_at(REQUESTS, |query| query.q = with_term(&query.q, term))
    }

    /// The list of requests of this time range with these words alone.
    pub(crate) fn requests_of(&self, words: &str) -> String {
        self.fresh_at(REQUESTS, |query| words.clone_into(&mut query.q))
    }

    /// The list of requests between two moments with these words alone.
    pub(crate) fn requests_between(&self, words: &str, from: Micros, to: Micros) -> String {
        self.fresh_at(REQUESTS, |query| {
            words.clone_into(&mut query.q);
            query.from = Some(from.to_string());
            query.to = Some(to.to_string());
        })
    }

    fn at(&self, path: &str, change: impl FnOnce(&mut ViewQuery)) -> String {
        let mut query = self.typed.clone();
        change(&mut query);
        address(path, &query)
    }
}

/// Path and query of a view.
pub(crate) fn address(path: &str, query: &ViewQuery) -> String {
    let text = query.to_query();
    if text.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{text}")
    }
}

/// Words with one more term. Its contrary gives way; one that is there already stays once.
pub(crate) fn with_term(words: &str, term: &str) -> String {
    let (Ok(mut filter), Ok(added)) = (Filter::parse(words), Filter::parse(term)) else {
        return format!("{words} {term}").trim().to_owned();
    };
    for term in added.terms {
        filter = filter.with_term(term);
    }
    filter.to_string()
}

/// `key:value` as the filter language reads it, whatever the value holds.
pub(crate) fn term(key: &str, value: &str) -> String {
    format!("{key}:{}", quote(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(typed: &str) -> Links {
        Links::new(REQUESTS, ViewQuery::parse(typed))
    }

    #[test]
    fn another_view_begins_at_its_first_page_with_nothing_open() {
        let links = links("q=type%3AAPI&from=-7d&limit=100&cursor=abc&event=e");
        assert_eq!(
            links.requests_with("method:PUT"),
            "/monitoring/admin-sessions?q=type%3AAPI+method%3APUT&from=-7d&limit=100"
        );
        assert!(
            links
                .with(|query| query.event = None)
                .ends_with("limit=100&cursor=abc")
        );
    }

    #[test]
    fn a_contrary_term_gives_way() {
        assert_eq!(with_term("-method:PUT a", "method:PUT"), "a method:PUT");
        assert_eq!(with_term("method:PUT", "method:PUT"), "method:PUT");
        // What cannot be parsed is left to the message under the box.
        assert_eq!(with_term("stauts:1", "method:PUT"), "stauts:1 method:PUT");
    }

    #[test]
    fn a_term_of_any_value_means_that_value() {
        for value in [
            "olena@hosting.example",
            "a b",
            "\"x\"",
            "a*b",
            "a,b",
            "-x",
            "Ян\\",
        ] {
            let filter = Filter::parse(&term("action", value)).unwrap();
            assert_eq!(filter.terms.len(), 1, "{value:?}");
            assert!(!filter.terms[0].negated, "{value:?}");
        }
    }
}
