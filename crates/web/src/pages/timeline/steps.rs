//! A session's requests told one after the other: equal ones as one, pauses and changes of who,
//! where and when between them.

use admintrail_event::{Event, Ip, Kind, Micros, Outcome, is_safe_method};

use crate::pages::parts::row::{StatusCell, Url, method_class, sentence};
use crate::pages::scene::Scene;
use crate::pages::wording::first::{First, firsts};
use crate::pages::wording::link::{REQUESTS, term};
use crate::pages::wording::number::{grouped, lasted, took};
use crate::pages::wording::object::{ObjectLink, pieces};

/// So long without a request is worth a word (µs).
const PAUSE: i64 = 5 * 60 * Micros::SECOND;

/// One line of the timeline.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// `Sunday, 22 November 2026`
    Day(String),
    /// `12 min pause`
    Pause(String),
    /// Something about the session changed.
    Note(String),
    Step(Box<Step>),
}

/// Equal requests one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// `read`, `change`, `denied`, `failed`, `unknown` or `recorder`.
    pub(crate) class: &'static str,
    /// The class as a word, where it is not the usual.
    pub(crate) word: &'static str,
    pub(crate) sentence: String,
    pub(crate) object: Vec<ObjectLink>,
    pub(crate) firsts: Vec<First>,
    pub(crate) first: Entry,
    /// The others, if there are any.
    pub(crate) more: Vec<Entry>,
    /// `12 times until 14:31:58`
    pub(crate) times: Option<String>,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) href: String,
    /// RFC 3339.
    pub(crate) time: String,
    pub(crate) clock: String,
    pub(crate) exact: String,
    /// None of a recorder's own word.
    pub(crate) request: bool,
    pub(crate) method: String,
    pub(crate) method_class: &'static str,
    pub(crate) url: Url,
    pub(crate) status: StatusCell,
    pub(crate) took: String,
}

/// What a request is to a reader who wants to know what was done.
fn class_of(event: &Event) -> (&'static str, &'static str) {
    let draft = &event.draft;
    if draft.kind != Kind::Request {
        return ("recorder", "");
    }
    match draft.outcome {
        Outcome::Denied => ("denied", "Denied"),
        Outcome::Failed => ("failed", "Failed"),
        Outcome::Error => ("failed", "Error"),
        Outcome::Unknown => ("unknown", "Unknown"),
        Outcome::Success if is_safe_method(&draft.method) => ("read", ""),
        Outcome::Success => ("change", "Change"),
    }
}

/// Whether a reader would call both the same.
fn same(one: &Event, other: &Event) -> bool {
    let (a, b) = (&one.draft, &other.draft);
    a.kind == b.kind
        && a.method == b.method
        && a.outcome == b.outcome
        && a.object == b.object
        && a.acting_as == b.acting_as
        && a.ip == b.ip
        && sentence(one) == sentence(other)
}

/// What is told only when it is another than before.
#[derive(Default)]
struct Before {
    day: String,
    time: Option<Micros>,
    ip: Option<Ip>,
    agent: Option<String>,
    /// Of the last event, if there was one.
    acting_as: Option<Option<String>>,
    admin: Option<String>,
}

/// The items of these events, which are in the order of time. `newest_first` turns them round.
pub(super) fn items(scene: &Scene, words: &str, events: &[Event], newest_first: bool) -> Vec<Item> {
    let mut before = Before::default();
    let mut items = Vec::new();
    for run in events.chunk_by(|a, b| same(a, b) && !pauses(a.draft.time, b.draft.time)) {
        let (Some(head), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        before.tell(scene, head, newest_first, &mut items);
        before.time = Some(last.draft.time);
        items.push(Item::Step(Box::new(step(scene, words, run, head, last))));
    }
    items
}

fn pauses(from: Micros, to: Micros) -> bool {
    from.0.abs_diff(to.0) >= PAUSE.unsigned_abs()
}

impl Before {
    /// What is another than before this event.
    fn tell(&mut self, scene: &Scene, event: &Event, newest_first: bool, items: &mut Vec<Item>) {
        let draft = &event.draft;
        if let Some(time) = self.time.filter(|time| pauses(*time, draft.time)) {
            // Seconds of a pause interest nobody.
            let minutes = time.0.abs_diff(draft.time.0) / 60_000_000;
            items.push(Item::Pause(format!(
                "{} pause",
                lasted(minutes * 60_000_000)
            )));
        }
        let wall = scene.face.wall(draft.time);
        let day = wall.strftime("%A, %-d %B %Y").to_string();
        if day != self.day {
            self.day.clone_from(&day);
            items.push(Item::Day(day));
        }
        // Backwards "from here on" would be the wrong way round.
        if newest_first || draft.kind != Kind::Request {
            return;
        }
        if let Some(ip) = draft.ip {
            if self.ip.is_some_and(|before| before != ip) {
                items.push(Item::Note(format!("From here on from {ip}")));
            }
            self.ip = Some(ip);
        }
        if let Some(agent) = &draft.user_agent {
            if self.agent.as_ref().is_some_and(|before| before != agent) {
                let name = crate::pages::wording::agent::browser(agent);
                let name = name.unwrap_or_else(|| agent.clone());
                items.push(Item::Note(format!("From here on with {name}")));
            }
            self.agent = Some(agent.clone());
        }
        if let Some(admin) = &draft.admin {
            if self.admin.as_ref().is_some_and(|before| before != admin) {
                items.push(Item::Note(format!("From here on as {admin}")));
            }
            self.admin = Some(admin.clone());
        }
        let acted = self.acting_as.replace(draft.acting_as.clone()).flatten();
        match (acted, &draft.acting_as) {
            (before, Some(now)) if before.as_ref() != Some(now) => {
                items.push(Item::Note(format!("From here on acting as {now}")));
            }
            (Some(before), None) => items.push(Item::Note(format!("No longer acting as {before}"))),
            _ => {}
        }
    }
}

fn step(scene: &Scene, words: &str, run: &[Event], head: &Event, last: &Event) -> Step {
    let (class, word) = class_of(head);
    let mut first = head.first;
    for event in run {
        first.0 |= event.first.0;
    }
    let object = head.draft.object.as_deref().unwrap_or_default();
    let count = run.len() as u64;
    Step {
        class,
        word,
        sentence: sentence(head),
        object: pieces(object, &scene.links),
        firsts: firsts(first, &scene.links),
        first: entry(scene, words, head),
        more: run
            .iter()
            .skip(1)
            .map(|event| entry(scene, words, event))
            .collect(),
        times: (count > 1).then(|| {
            let until = scene.face.clock(last.draft.time);
            format!("{} times until {until}", grouped(count))
        }),
    }
}

fn entry(scene: &Scene, words: &str, event: &Event) -> Entry {
    let draft = &event.draft;
    let id = draft.id.to_string();
    Entry {
        href: scene.links.fresh_at(REQUESTS, |query| {
            words.clone_into(&mut query.q);
            query.from = Some(String::new());
            query.to = None;
            query.order = None;
            query.event = Some(id.clone());
        }),
        id,
        time: draft.time.to_string(),
        clock: scene.face.clock(draft.time),
        exact: scene.face.exact(draft.time),
        request: draft.kind == Kind::Request,
        method: draft.method.clone(),
        method_class: method_class(&draft.method),
        url: Url::of(event),
        status: StatusCell::of(event),
        took: draft.duration_us.map(took).unwrap_or_default(),
    }
}

/// The filter words of a session.
pub(super) fn words(row: &admintrail_store::SessionRow) -> String {
    format!(
        "session:{} {}",
        row.session,
        term("panel", row.panel.as_str())
    )
}
