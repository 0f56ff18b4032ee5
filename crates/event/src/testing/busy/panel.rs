//! The panels that the busy workload visits: pages, what they load, and what a preset says of it.

use std::sync::Arc;

use super::text::Text;
use crate::{Outcome, PanelName, Preset, RequestHead, RequestType};

/// A page as the tables have it. A request is `METHOD /path`, `{id}` stands for a number, `{uuid}`
/// for a UUID, and a `?` at the end for a query.
pub(super) struct PageRow {
    pub(super) weight: u64,
    pub(super) load: &'static str,
    /// What its scripts may fetch; empty where the page comes whole.
    pub(super) calls: &'static [&'static str],
    /// What somebody may do on it.
    pub(super) deeds: &'static [&'static str],
    /// What it asks again and again while it is open, and every how many seconds.
    pub(super) poll: Option<(&'static str, i64)>,
}

/// A panel as the tables have it.
pub(super) struct PanelRow {
    pub(super) name: &'static str,
    pub(super) preset: &'static str,
    /// Of how many sessions in a hundred.
    pub(super) weight: u64,
    pub(super) sign_in: &'static str,
    pub(super) assets: &'static [&'static str],
    pub(super) pages: &'static [PageRow],
}

/// What stands in a path for one thing among many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Nothing.
    None,
    /// A number.
    Number,
    /// A UUID; those of another kind of thing are others.
    Uuid { kind: u64 },
}

/// One kind of request, read by its panel's preset.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: Text,
    pub(super) names: Names,
    pub(super) has_query: bool,
    pub(super) request_type: RequestType,
    pub(super) asset: bool,
    pub(super) polling: bool,
    pub(super) route: String,
    pub(super) object: Option<Text>,
    pub(super) done: Text,
    denied: Text,
    failed: Text,
    broken: Text,
    /// What is said when a stranger asked: a redirect to the form, or a refused name.
    pub(super) stranger: String,
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) load: u16,
    pub(super) calls: Vec<u16>,
    pub(super) deeds: Vec<u16>,
    pub(super) poll: Option<(u16, i64)>,
}

#[derive(Debug)]
pub(super) struct Panel {
    pub(super) name: PanelName,
    pub(super) host: String,
    pub(super) weight: u64,
    pub(super) requests: Vec<Request>,
    pub(super) pages: Vec<Page>,
    /// Each page as often as it is visited.
    pub(super) lot: Vec<u16>,
    pub(super) sign_in: u16,
    pub(super) assets: Vec<u16>,
}

impl Panel {
    /// Nothing if the tables name a preset or panel that cannot be; a test holds that they do not.
    pub(super) fn of(row: &PanelRow) -> Option<Self> {
        let preset = Preset::built_in(row.preset)?;
        let mut requests = Requests {
            preset,
            all: Vec::new(),
        };
        let pages: Vec<Page> = row.pages.iter().map(|page| requests.page(page)).collect();
        let lot = (0u16..)
            .zip(row.pages)
            .flat_map(|(page, row)| (0..row.weight).map(move |_| page))
            .collect();
        let sign_in = requests.add(row.sign_in);
        let assets = row.assets.iter().map(|path| requests.add(path)).collect();
        Some(Self {
            name: row.name.parse().ok()?,
            host: format!("{}.example.org", row.name),
            weight: row.weight,
            requests: requests.all,
            pages,
            lot,
            sign_in,
            assets,
        })
    }
}

struct Requests {
    preset: Arc<Preset>,
    all: Vec<Request>,
}

impl Requests {
    fn page(&mut self, row: &PageRow) -> Page {
        Page {
            load: self.add(row.load),
            calls: row.calls.iter().map(|call| self.add(call)).collect(),
            deeds: row.deeds.iter().map(|deed| self.add(deed)).collect(),
            poll: row
                .poll
                .map(|(request, seconds)| (self.add(request), seconds)),
        }
    }

    fn add(&mut self, written: &'static str) -> u16 {
        let at = u16::try_from(self.all.len()).unwrap_or(u16::MAX);
        self.all.push(Request::read(&self.preset, written));
        at
    }
}

impl Request {
    /// What the preset says of it for one thing, with that one's id taken out again.
    fn read(preset: &Preset, written: &'static str) -> Self {
        const NUMBER: &str = "4711";
        const UUID: &str = "3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11";
        let (method, target) = written.split_once(' ').unwrap_or(("GET", written));
        let (pattern, has_query) = match target.strip_suffix('?') {
            Some(pattern) => (pattern, true),
            None => (target, false),
        };
        let (names, sample) = match pattern.split_once("/{uuid}") {
            Some((before, _)) => (
                Names::Uuid {
                    kind: kind_of(before),
                },
                UUID,
            ),
            None if pattern.contains("{id}") => (Names::Number, NUMBER),
            None => (Names::None, ""),
        };
        let path = pattern.replace("{uuid}", UUID).replace("{id}", NUMBER);
        let reading = preset.read(&RequestHead::new(method, &path, None));
        let sentence = |outcome, sent_away, attempted| {
            preset.sentence_of(&reading, outcome, None, sent_away, attempted)
        };
        let said = |outcome| Text::of(&sentence(outcome, false, None), sample);
        Self {
            method,
            path: Text::of(&path, sample),
            names,
            has_query,
            request_type: reading.request_type,
            asset: reading.asset,
            polling: reading.polling,
            done: said(Outcome::Success),
            denied: said(Outcome::Denied),
            failed: said(Outcome::Failed),
            broken: said(Outcome::Error),
            stranger: sentence(Outcome::Denied, true, None),
            object: reading.object.as_ref().map(|text| Text::of(text, sample)),
            route: reading.route,
        }
    }

    /// The sentence for what came of it.
    pub(super) fn sentence(&self, outcome: Outcome) -> &Text {
        match outcome {
            Outcome::Success | Outcome::Unknown => &self.done,
            Outcome::Denied => &self.denied,
            Outcome::Failed => &self.failed,
            Outcome::Error => &self.broken,
        }
    }
}

/// A number for what the last segment names: a client's UUID is no service's.
fn kind_of(before: &str) -> u64 {
    let name = before.rsplit('/').next().unwrap_or_default();
    name.bytes()
        .fold(0, |sum: u64, byte| sum * 31 % 65_521 + u64::from(byte))
}
