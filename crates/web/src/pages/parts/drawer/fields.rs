//! The fields of an event, grouped, each with the words that narrow the list by it.

use admintrail_event::{Event, Kind, Micros};

use crate::pages::scene::Scene;
use crate::pages::wording::agent;
use crate::pages::wording::first;
use crate::pages::wording::link::term;
use crate::pages::wording::number::{self, bytes, counted, grouped};
use crate::pages::wording::object::{self, ObjectLink};

/// A value of the event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// As JSON and filter name it.
    pub(crate) key: &'static str,
    pub(crate) value: String,
    /// The value piece by piece, each with a way of its own, where it has such.
    pub(crate) pieces: Vec<ObjectLink>,
    /// A remark beside the value.
    pub(crate) note: String,
    /// A number, an address, a digest: every letter counts.
    pub(crate) exact: bool,
    /// The list with this value alone added, and without it.
    pub(crate) include: Option<String>,
    pub(crate) exclude: Option<String>,
}

/// Fields that belong together.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) fields: Vec<Field>,
}

/// Builds the fields of one event.
struct Fields<'a> {
    scene: &'a Scene,
    fields: Vec<Field>,
}

impl Fields<'_> {
    /// A value that the list can be narrowed by. What is not there is not shown.
    fn word(
        &mut self,
        name: &'static str,
        key: &'static str,
        value: Option<&str>,
        exact: bool,
    ) -> &mut Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.narrowed(name, key, value.to_owned(), &term(key, value), exact);
        }
        self
    }

    /// A value shown in one form and searched in another.
    fn narrowed(
        &mut self,
        name: &'static str,
        key: &'static str,
        value: String,
        word: &str,
        exact: bool,
    ) {
        self.fields.push(Field {
            name,
            key,
            value,
            exact,
            include: Some(self.scene.links.requests_with(word)),
            exclude: Some(self.scene.links.requests_with(&format!("-{word}"))),
            ..Field::default()
        });
    }

    /// A value that is only shown.
    fn plain(
        &mut self,
        name: &'static str,
        key: &'static str,
        value: Option<String>,
        exact: bool,
    ) -> &mut Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.fields.push(Field {
                name,
                key,
                value,
                exact,
                ..Field::default()
            });
        }
        self
    }

    fn note(&mut self, note: String) -> &mut Self {
        if let Some(field) = self.fields.last_mut() {
            field.note = note;
        }
        self
    }

    fn group(&mut self, title: &'static str) -> Group {
        Group {
            title,
            fields: std::mem::take(&mut self.fields),
        }
    }
}

/// Longer than this between request and acceptance, one of two clocks is wrong.
const SKEW: i64 = 5 * 60 * Micros::SECOND;

pub(super) fn groups(scene: &Scene, event: &Event) -> Vec<Group> {
    let draft = &event.draft;
    let mut fields = Fields {
        scene,
        fields: Vec::new(),
    };
    let groups = [
        who(&mut fields, event),
        what(&mut fields, scene, event),
        answer(&mut fields, event),
        record(&mut fields, scene, event, draft.time),
    ];
    groups
        .into_iter()
        .filter(|group| !group.fields.is_empty())
        .collect()
}

fn who(fields: &mut Fields<'_>, event: &Event) -> Group {
    let draft = &event.draft;
    fields.word("Admin", "admin", draft.admin.as_deref(), false);
    fields.plain("Name", "admin_name", draft.admin_name.clone(), false);
    fields.word("Known by", "known_by", Some(draft.known_by.as_str()), false);
    fields.word("Tried name", "attempted", draft.attempted.as_deref(), false);
    fields.word("Acting as", "acting_as", draft.acting_as.as_deref(), false);
    fields.word(
        "IP address",
        "ip",
        draft.ip.map(|ip| ip.to_string()).as_deref(),
        true,
    );
    fields.word("Browser", "agent", draft.user_agent.as_deref(), false);
    if let (Some(agent), Some(field)) = (&draft.user_agent, fields.fields.last_mut()) {
        field.note = agent::browser(agent).unwrap_or_default();
    }
    if let Some(length) = draft.agent_bytes {
        fields.note(format!("cut; it was {length} bytes long"));
    }
    if let Some(session) = draft.session {
        let whole = session.to_string();
        let word = format!("session:{}", whole.get(..8).unwrap_or(&whole));
        fields.narrowed("Session", "session", whole, &word, true);
    }
    let first = first::firsts(event.first, &fields.scene.links);
    if !first.is_empty() {
        let words: Vec<&str> = first.iter().map(|first| first.word).collect();
        let names: Vec<&str> = event.first.names().collect();
        let word = format!("first:{}", names.join(","));
        fields.narrowed("First", "first", words.join(", "), &word, false);
    }
    fields.group("Who")
}

fn what(fields: &mut Fields<'_>, scene: &Scene, event: &Event) -> Group {
    let draft = &event.draft;
    fields.word("Panel", "panel", Some(draft.panel.as_str()), false);
    fields.word("Action", "action", Some(&draft.action), false);
    fields.word("Object", "object", draft.object.as_deref(), false);
    if let (Some(object), Some(field)) = (&draft.object, fields.fields.last_mut()) {
        field.pieces = object::pieces(object, &scene.links);
    }
    if draft.kind == Kind::Request {
        fields.word("Type", "type", Some(draft.request_type.as_str()), false);
        fields.word("Method", "method", Some(&draft.method), true);
        fields.plain("Scheme", "scheme", draft.scheme.clone(), true);
        fields.word("Host", "host", draft.host.as_deref(), true);
        fields.word("Path", "path", Some(&draft.path), true);
        if let Some(length) = draft.path_bytes {
            fields.note(format!("cut; it was {} long", bytes(u64::from(length))));
        }
        fields.word("Query", "query", draft.query.as_deref(), true);
        if let (Some(length), true) = (draft.query_bytes, draft.query.is_some()) {
            fields.note(format!("cut; it was {} long", bytes(u64::from(length))));
        }
        fields.word("Route", "route", draft.route.as_deref(), true);
    }
    if draft.polling {
        fields.narrowed(
            "Background refresh",
            "polling",
            "yes".to_owned(),
            "is:polling",
            false,
        );
    }
    if draft.asset {
        fields.narrowed(
            "Style, script, image or font",
            "asset",
            "yes".to_owned(),
            "is:asset",
            false,
        );
    }
    fields.plain("Requests", "count", draft.count.map(grouped), false);
    fields.group("What")
}

fn answer(fields: &mut Fields<'_>, event: &Event) -> Group {
    let draft = &event.draft;
    if draft.kind == Kind::Request {
        let status = draft.status.map(|status| status.to_string());
        fields.word("Status", "status", status.as_deref(), true);
        fields.word("Outcome", "outcome", Some(draft.outcome.as_str()), false);
        fields.word("Ending", "ending", Some(draft.ending.as_str()), false);
        let took = draft
            .duration_us
            .map(|us| format!("{}.{:03} ms", grouped(us / 1_000), us % 1_000));
        fields.plain("Duration", "duration_us", took, true);
        fields.plain(
            "Request body",
            "request_bytes",
            draft.request_bytes.map(sized),
            true,
        );
        fields.plain(
            "Response body",
            "response_bytes",
            draft.response_bytes.map(sized),
            true,
        );
    }
    fields.group("Answer")
}

/// `12,440 bytes (12.4 KB)`
fn sized(n: u64) -> String {
    if n < 1_000 {
        counted(n, "byte", "bytes")
    } else {
        format!("{} bytes ({})", grouped(n), bytes(n))
    }
}

fn record(fields: &mut Fields<'_>, scene: &Scene, event: &Event, time: Micros) -> Group {
    let draft = &event.draft;
    let late = event.received.0.saturating_sub(time.0);
    fields.plain("Time", "time", Some(time.to_string()), true);
    fields.plain(
        "Accepted",
        "received",
        Some(event.received.to_string()),
        true,
    );
    if late.abs() > SKEW {
        let apart = number::lasted(late.unsigned_abs());
        let side = if late < 0 { "before" } else { "after" };
        fields.note(format!("{apart} {side} the request: a clock may be wrong"));
    }
    fields.plain("Shown in", "", Some(scene.face.zone_name()), false);
    fields.word("Kind", "kind", Some(draft.kind.as_str()), false);
    fields.word("Recorder", "recorder", Some(&draft.recorder), true);
    let run = format!(
        "run {}, number {}",
        draft.recorder_epoch, draft.recorder_seq
    );
    fields.plain("Recorder's count", "recorder_seq", Some(run), true);
    fields.plain("Id", "id", Some(draft.id.to_string()), true);
    fields.plain("Log", "log", Some(event.log.to_string()), true);
    fields.plain(
        "Number in the log",
        "seq",
        Some(event.seq.to_string()),
        true,
    );
    fields.group("Record")
}
