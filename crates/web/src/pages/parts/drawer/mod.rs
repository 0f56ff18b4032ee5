//! Everything that is known of one request.

mod fields;
mod proof;

use admintrail_event::{Event, Kind, Micros};
use admintrail_store::{Page, SessionRow};

use crate::WebError;
use crate::pages::parts::drawer::fields::{Group, groups};
use crate::pages::parts::drawer::proof::Proof;
use crate::pages::parts::ending::Ending;
use crate::pages::parts::row::{StatusCell, Who, method_class, sentence, url_of};
use crate::pages::scene::Scene;
use crate::pages::wording::first::{First, firsts};
use crate::pages::wording::link::{session_page, term};
use crate::pages::wording::number::{self, counted, grouped};
use crate::pages::wording::object::pieces;

/// A way on from the event.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) name: String,
    pub(crate) href: String,
}

/// The drawer.
#[derive(Debug, Clone)]
pub(crate) struct Drawer {
    pub(crate) id: String,
    /// `None`: no event has this id.
    pub(crate) shown: Option<Shown>,
    pub(crate) close: String,
    /// `3 of 50`
    pub(crate) place: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// The event in it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) sentence: String,
    /// A request, not a recorder's own word.
    pub(crate) request: bool,
    pub(crate) who: Who,
    pub(crate) status: StatusCell,
    pub(crate) outcome: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) method: String,
    pub(crate) method_class: &'static str,
    /// With scheme and host where they are known.
    pub(crate) url: String,
    pub(crate) date: String,
    pub(crate) took: String,
    /// What the ledger says of it.
    pub(crate) proof: Proof,
    pub(crate) session: String,
    pub(crate) ending: Option<Ending>,
    pub(crate) firsts: Vec<First>,
    pub(crate) groups: Vec<Group>,
    pub(crate) ways: Vec<Way>,
    pub(crate) json: String,
}

impl Drawer {
    /// The drawer of the event that the URL names.
    pub(crate) fn open(scene: &Scene, page: Option<&Page>) -> Result<Option<Self>, WebError> {
        let Some(id) = scene.query.event_id()? else {
            return Ok(None);
        };
        let listed: &[Event] = page.map_or(&[], |page| &page.events);
        let at = listed.iter().position(|event| event.draft.id == id);
        let event = match at.and_then(|at| listed.get(at)) {
            Some(event) => Some(event.clone()),
            None => scene.app.trail.event(id)?,
        };
        let to = |at: Option<usize>| {
            let id = listed.get(at?)?.draft.id.to_string();
            Some(scene.links.with(|query| query.event = Some(id)))
        };
        Ok(Some(Self {
            id: id.to_string(),
            shown: event
                .as_ref()
                .map(|event| Shown::new(scene, event))
                .transpose()?,
            close: scene.links.with(|query| query.event = None),
            place: at.map(|at| format!("{} of {}", at + 1, listed.len())),
            before: to(at.and_then(|at| at.checked_sub(1))),
            after: to(at.map(|at| at + 1)),
        }))
    }
}

impl Shown {
    fn new(scene: &Scene, event: &Event) -> Result<Self, WebError> {
        let draft = &event.draft;
        let session = match &draft.session {
            Some(session) => scene.app.trail.session(session)?,
            None => Vec::new(),
        };
        let session = session.iter().find(|row| row.panel == draft.panel);
        Ok(Self {
            sentence: sentence(event),
            request: draft.kind == Kind::Request,
            who: Who::of(event),
            status: StatusCell::of(event),
            outcome: draft.outcome.as_str(),
            kind: draft.request_type.as_str(),
            method: draft.method.clone(),
            method_class: method_class(&draft.method),
            url: whole_url(event),
            date: scene.face.exact(draft.time),
            took: draft.duration_us.map(number::took).unwrap_or_default(),
            proof: Proof::of(scene, event),
            session: session.map(told).unwrap_or_default(),
            ending: session.map(|row| Ending::of(scene, row)),
            firsts: firsts(event.first, &scene.links),
            groups: groups(scene, event),
            ways: ways(scene, event),
            json: json(event),
        })
    }
}

/// `61 requests, 4 changes, 1 denied, over 1 h 40 min`
fn told(session: &SessionRow) -> String {
    let mut text = counted(session.requests, "request", "requests");
    if session.changes > 0 {
        text.push_str(&format!(
            ", {}",
            counted(session.changes, "change", "changes")
        ));
    }
    if session.denied > 0 {
        text.push_str(&format!(", {} denied", grouped(session.denied)));
    }
    let span = u64::try_from(session.last.0 - session.start.0).unwrap_or(0);
    if span >= 1_000_000 {
        text.push_str(&format!(", over {}", number::lasted(span)));
    }
    text
}

fn whole_url(event: &Event) -> String {
    let draft = &event.draft;
    let path = url_of(event);
    match (&draft.scheme, &draft.host) {
        (Some(scheme), Some(host)) => format!("{scheme}://{host}{path}"),
        (None, Some(host)) => format!("//{host}{path}"),
        _ => path,
    }
}

/// Where to look next.
fn ways(scene: &Scene, event: &Event) -> Vec<Way> {
    let draft = &event.draft;
    let links = &scene.links;
    let mut ways = Vec::new();
    let mut way = |name: &str, href: String| {
        ways.push(Way {
            name: name.to_owned(),
            href,
        });
    };
    if let Some(session) = &draft.session {
        way("Timeline", session_page(&draft.panel, session));
    }
    if let Some(admin) = &draft.admin {
        way("Same admin", links.requests_of(&term("admin", admin)));
    }
    if let Some(ip) = draft.ip {
        way("Same IP address", links.requests_of(&format!("ip:{ip}")));
    }
    if let Some(whole) = draft
        .object
        .as_deref()
        .and_then(|object| pieces(object, links).pop())
    {
        way("Same object", whole.href);
    }
    let around = 5 * 60 * Micros::SECOND;
    let (from, to) = (Micros(draft.time.0 - around), Micros(draft.time.0 + around));
    way("Around this time", links.requests_between("", from, to));
    ways
}

fn json(event: &Event) -> String {
    serde_json::to_string_pretty(&admintrail_event::EventJson(event)).unwrap_or_default()
}
