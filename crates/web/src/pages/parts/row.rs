//! One request as a row of the table.

use admintrail_event::{Ending, Event, FirstSet, Kind, KnownBy, Outcome, RequestType};

use crate::pages::wording::first::{self, First};
use crate::pages::wording::hue;
use crate::pages::wording::link::{Links, term};
use crate::pages::wording::moment::Face;
use crate::pages::wording::number;

/// Who made a request, as it is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) name: String,
    /// The rest of the name that matters less: an address from its `@` on.
    pub(crate) domain: String,
    /// The whole id where the name is not it.
    pub(crate) id: Option<String>,
    /// Letters of the avatar; `?` for somebody unknown.
    pub(crate) initials: String,
    /// Class of the avatar's colour.
    pub(crate) hue: String,
    /// Why nobody is named.
    pub(crate) unknown: Option<Reason>,
    /// The filter word of it.
    pub(crate) term: String,
}

impl Who {
    pub(crate) fn named(id: &str, name: Option<&str>) -> Self {
        let shown = name.filter(|name| !name.trim().is_empty()).unwrap_or(id);
        let at = shown.rfind('@').filter(|at| *at > 0);
        let (local, domain) = shown
            .split_at_checked(at.unwrap_or(shown.len()))
            .unwrap_or((shown, ""));
        Self {
            name: local.to_owned(),
            domain: domain.to_owned(),
            id: (shown != id).then(|| id.to_owned()),
            initials: hue::initials(shown),
            hue: hue::class(id.as_bytes()),
            unknown: None,
            term: term("admin", id),
        }
    }

    /// Somebody nobody knows.
    pub(crate) fn nobody(why: Reason) -> Self {
        Self {
            name: "Unknown".to_owned(),
            domain: String::new(),
            id: None,
            initials: "?".to_owned(),
            hue: "unknown".to_owned(),
            unknown: Some(why),
            term: "is:unknown".to_owned(),
        }
    }

    pub(crate) fn of(event: &Event) -> Self {
        let draft = &event.draft;
        if draft.kind != Kind::Request {
            return Self {
                name: if draft.recorder.is_empty() {
                    "Recorder".to_owned()
                } else {
                    draft.recorder.clone()
                },
                domain: String::new(),
                id: None,
                initials: "R".to_owned(),
                hue: "recorder".to_owned(),
                unknown: None,
                term: term("recorder", &draft.recorder),
            };
        }
        if let Some(admin) = &draft.admin {
            return Self::named(admin, draft.admin_name.as_deref());
        }
        Self::nobody(Reason::of(event))
    }
}

/// Why nobody is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reason {
    /// What fits into a column.
    pub(crate) short: &'static str,
    /// What it means.
    pub(crate) whole: &'static str,
}

impl Reason {
    /// The sign-in was not seen.
    pub(crate) const BEFORE: Self = Self {
        short: "earlier sign-in",
        whole: "signed in before recording began",
    };
    const ATTEMPT: Self = Self {
        short: "attempt",
        whole: "a name that is tried is no identity",
    };
    const DENIED: Self = Self {
        short: "not signed in",
        whole: "the panel let nobody in",
    };
    /// Nothing names anyone.
    pub(crate) const NOTHING: Self = Self {
        short: "no sign-in",
        whole: "nothing names anyone",
    };

    /// What the event itself tells.
    fn of(event: &Event) -> Self {
        let draft = &event.draft;
        match (draft.known_by, draft.outcome, draft.session) {
            (KnownBy::Attempt, ..) => Self::ATTEMPT,
            (_, Outcome::Denied, _) => Self::DENIED,
            (_, Outcome::Success | Outcome::Failed | Outcome::Error, Some(_)) => Self::BEFORE,
            _ => Self::NOTHING,
        }
    }
}

/// What came of a request: never by colour alone.
#[derive(Debug, Clone)]
pub(crate) struct StatusCell {
    /// `403`, or `–` where there was no response.
    pub(crate) code: String,
    /// `Denied`; nothing for success.
    pub(crate) word: &'static str,
    /// Class of the colour.
    pub(crate) class: &'static str,
    /// What a short word means.
    pub(crate) about: &'static str,
    pub(crate) term: String,
}

/// An answer that did not arrive whole, however well it began: in two words, and what it means.
fn broken(event: &Event) -> Option<(&'static str, &'static str)> {
    match event.draft.ending {
        Ending::Failed => Some(("broke off", "The panel broke its answer off before the end")),
        // Streams mostly end like this: worth a word, no alarm.
        Ending::Dropped => Some(("left", "The client was gone before the answer's end")),
        _ => None,
    }
}

impl StatusCell {
    pub(crate) fn of(event: &Event) -> Self {
        let draft = &event.draft;
        let (word, class) = match draft.outcome {
            Outcome::Success if draft.status.is_some_and(|status| status >= 300) => ("", "moved"),
            Outcome::Success => ("", "ok"),
            Outcome::Denied => ("Denied", "bad"),
            Outcome::Failed => ("Failed", "warn"),
            Outcome::Error => ("Error", "bad"),
            Outcome::Unknown if draft.kind == Kind::Request => ("Unknown", "warn"),
            Outcome::Unknown => ("", "moved"),
        };
        let broken = broken(event).filter(|_| draft.status.is_some());
        let (word, class, about) = match (broken, class) {
            (Some((word, about)), "ok" | "moved") if draft.ending == Ending::Dropped => {
                (word, "moved", about)
            }
            (Some((word, about)), "ok" | "moved") => (word, "warn", about),
            (Some((_, about)), _) => (word, class, about),
            (None, _) => (word, class, ""),
        };
        Self {
            about,
            code: draft
                .status
                .map_or_else(|| "–".to_owned(), |status| status.to_string()),
            word,
            class,
            term: draft.status.map_or_else(
                || term("outcome", draft.outcome.as_str()),
                |status| format!("status:{status}"),
            ),
        }
    }
}

/// A session as it is named: eight digits and a colour.
#[derive(Debug, Clone)]
pub(crate) struct SessionRef {
    pub(crate) short: String,
    pub(crate) hue: String,
    pub(crate) term: String,
    /// Its requests.
    pub(crate) href: String,
}

impl SessionRef {
    pub(crate) fn new(session: &admintrail_event::SessionHash, links: &Links) -> Self {
        let whole = session.to_string();
        let short = whole.get(..8).unwrap_or(&whole).to_owned();
        let term = format!("session:{short}");
        Self {
            hue: hue::class(&session.0),
            href: links.requests_with(&term),
            term,
            short,
        }
    }
}

/// Path and query. The style sheet may cut their end off; the text itself is whole.
pub(crate) fn url_of(event: &Event) -> String {
    let mut url = event.draft.path.clone();
    if let Some(query) = &event.draft.query {
        url.push('?');
        url.push_str(query);
    }
    url
}

/// Path and query in three pieces: where there is little room the last segment stays.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    pub(crate) whole: String,
    /// Up to the last segment: `/admin/client`.
    pub(crate) head: String,
    /// `/4711`
    pub(crate) tail: String,
    /// `?confirm=1`
    pub(crate) query: String,
}

impl Url {
    pub(crate) fn of(event: &Event) -> Self {
        let path = &event.draft.path;
        // A slash at the end is no segment.
        let inner = path.strip_suffix('/').unwrap_or(path);
        let at = inner.rfind('/').filter(|at| *at > 0).unwrap_or(0);
        let (head, tail) = path.split_at_checked(at).unwrap_or(("", path));
        let whole = url_of(event);
        Self {
            head: head.to_owned(),
            tail: tail.to_owned(),
            query: whole.get(path.len()..).unwrap_or_default().to_owned(),
            whole,
        }
    }
}

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// Opens the drawer.
    pub(crate) href: String,
    pub(crate) selected: bool,
    /// A request, not a recorder's own word.
    pub(crate) request: bool,
    pub(crate) date: String,
    /// The date names a year.
    pub(crate) long_date: bool,
    /// `:58`, left out where there is little room.
    pub(crate) seconds: String,
    /// RFC 3339.
    pub(crate) time: String,
    pub(crate) who: Who,
    pub(crate) ip: Option<String>,
    pub(crate) ip_term: String,
    pub(crate) new_ip: Option<First>,
    /// What else is new; the weightiest is shown.
    pub(crate) first: Option<First>,
    /// `+1`, and which.
    pub(crate) more_firsts: Option<(String, String)>,
    pub(crate) api: bool,
    pub(crate) kind: &'static str,
    pub(crate) method: String,
    pub(crate) method_class: &'static str,
    pub(crate) action: String,
    pub(crate) url: Url,
    pub(crate) path_term: String,
    pub(crate) method_term: String,
    pub(crate) status: StatusCell,
    pub(crate) session: Option<SessionRef>,
    pub(crate) duration: String,
    /// Class of the row.
    pub(crate) class: &'static str,
}

/// The class of a method's badge.
pub(crate) fn method_class(method: &str) -> &'static str {
    match method {
        "GET" | "HEAD" | "OPTIONS" | "TRACE" => "read",
        "POST" => "post",
        "PUT" | "PATCH" => "put",
        "DELETE" => "delete",
        _ => "other",
    }
}

impl Row {
    pub(crate) fn new(event: &Event, links: &Links, face: &Face, open: Option<&str>) -> Self {
        let draft = &event.draft;
        let id = draft.id.to_string();
        let date = face.row(draft.time);
        let (minutes, seconds) = date.split_at_checked(date.len() - 3).unwrap_or((&date, ""));
        let ip = draft.ip.map(|ip| ip.to_string());
        let mut firsts = first::firsts(event.first, links);
        let new_ip = (event.first.contains(FirstSet::IP)).then(|| firsts.remove(0));
        let mut firsts = firsts.into_iter();
        let first = firsts.next();
        let more: Vec<&str> = firsts.map(|first| first.word).collect();
        let more_firsts = (!more.is_empty()).then(|| (format!("+{}", more.len()), more.join(", ")));
        Self {
            href: links.with(|query| query.event = Some(id.clone())),
            selected: open == Some(id.as_str()),
            request: draft.kind == Kind::Request,
            long_date: minutes.len() > "22 Nov 14:31".len(),
            date: minutes.to_owned(),
            seconds: seconds.to_owned(),
            time: draft.time.to_string(),
            who: Who::of(event),
            ip_term: ip.as_deref().map(|ip| term("ip", ip)).unwrap_or_default(),
            ip,
            new_ip,
            first,
            more_firsts,
            api: draft.request_type == RequestType::Api,
            kind: draft.request_type.as_str(),
            method: draft.method.clone(),
            method_class: method_class(&draft.method),
            action: sentence(event),
            url: Url::of(event),
            path_term: term("path", &draft.path),
            method_term: term("method", &draft.method),
            status: StatusCell::of(event),
            session: draft
                .session
                .as_ref()
                .map(|session| SessionRef::new(session, links)),
            duration: draft
                .duration_us
                .map_or_else(|| "–".to_owned(), number::took),
            class: match draft.kind {
                Kind::Gap => "is-gap",
                Kind::Start | Kind::Stop => "is-recorder",
                Kind::Request => "",
            },
            id,
        }
    }
}

/// What happened, also for a recorder's own events.
pub(crate) fn sentence(event: &Event) -> String {
    let draft = &event.draft;
    match draft.kind {
        _ if !draft.action.is_empty() => draft.action.clone(),
        Kind::Gap => {
            let n = draft.count.unwrap_or(0);
            format!(
                "{} without a record of their own",
                number::counted(n, "request", "requests")
            )
        }
        Kind::Start => "Recording began".to_owned(),
        Kind::Stop => "Recording ended".to_owned(),
        Kind::Request => format!("{} {}", draft.method, draft.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admintrail_event::{Draft, EventId, LogId, Micros, PanelName, Seq};

    #[test]
    fn an_address_is_cut_before_its_last_segment() {
        for (path, query, pieces) in [
            ("/admin/client/4711", None, ["/admin/client", "/4711", ""]),
            (
                "/admin/client/4711/",
                Some("a=b"),
                ["/admin/client", "/4711/", "?a=b"],
            ),
            ("/admin", Some("q=/x/y"), ["", "/admin", "?q=/x/y"]),
            ("/", None, ["", "/", ""]),
            ("*", None, ["", "*", ""]),
            ("/кабинет/сайт", None, ["/кабинет", "/сайт", ""]),
        ] {
            let id = EventId::new(Micros(0), [0; 10]);
            let mut draft = Draft::request(id, Micros(0), PanelName::own(), "GET", path);
            draft.query = query.map(str::to_owned);
            let event = Event {
                log: LogId::default(),
                seq: Seq(1),
                received: Micros(0),
                first: FirstSet::default(),
                draft,
            };
            let url = Url::of(&event);
            assert_eq!([&*url.head, &*url.tail, &*url.query], pieces);
            assert_eq!(url.whole, pieces.concat());
        }
    }
}
