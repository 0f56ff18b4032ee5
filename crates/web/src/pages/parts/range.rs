//! The menu of time ranges: presets that slide, and two moments.

use admintrail_event::Micros;
use admintrail_store::View;

use crate::pages::wording::link::Links;
use crate::pages::wording::moment::Face;

/// A preset: its name, `from` and `to` as the URL has them.
const PRESETS: [(&str, &str, Option<&str>); 8] = [
    ("Last 15 minutes", "-15m", None),
    ("Last hour", "-1h", None),
    ("Last 24 hours", "-24h", None),
    ("Last 7 days", "-7d", None),
    ("Last 30 days", "-30d", None),
    ("Today", "today", None),
    ("Yesterday", "yesterday", Some("today")),
    ("All time", "", None),
];

/// An entry of the menu.
#[derive(Debug, Clone)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// The menu.
#[derive(Debug, Clone)]
pub(crate) struct RangeMenu {
    /// What the button says.
    pub(crate) label: String,
    pub(crate) presets: Vec<Preset>,
    /// The two moments, for the form.
    pub(crate) from: String,
    pub(crate) to: String,
    /// `Europe/Kyiv, UTC+2`
    pub(crate) zone: String,
    /// Why the range cannot be read.
    pub(crate) error: Option<String>,
}

impl RangeMenu {
    pub(crate) fn new(
        links: &Links,
        face: &Face,
        view: Option<&View>,
        error: Option<String>,
    ) -> Self {
        let typed = links.typed();
        let from = typed.from.as_deref().unwrap_or("-24h").trim();
        let to = typed
            .to
            .as_deref()
            .map(str::trim)
            .filter(|to| !to.is_empty() && *to != "now");
        let preset = PRESETS.iter().find(|(_, f, t)| *f == from && *t == to);
        let presets = PRESETS.iter().map(|(name, f, t)| Preset {
            name,
            href: links.fresh(|query| {
                query.from = if *f == "-24h" {
                    None
                } else {
                    Some((*f).to_owned())
                };
                query.to = t.map(str::to_owned);
            }),
            current: preset.is_some_and(|(shown, ..)| shown == name),
        });
        let bound = |at: Option<Micros>| at.map(|at| face.input(at)).unwrap_or_default();
        Self {
            label: match (preset, view) {
                (Some((name, ..)), _) => (*name).to_owned(),
                (None, Some(view)) => between(face, view.from, view.to),
                (None, None) => "Time range".to_owned(),
            },
            presets: presets.collect(),
            from: bound(view.and_then(|view| view.from)),
            to: bound(view.map(|view| view.to.unwrap_or(face.now))),
            zone: face.zone_name(),
            error,
        }
    }
}

/// `22 Nov 14:00 – 15:30`
pub(crate) fn between(face: &Face, from: Option<Micros>, to: Option<Micros>) -> String {
    match (from, to) {
        (None, None) => "All time".to_owned(),
        (Some(from), None) => format!("Since {}", face.brief(from)),
        (None, Some(to)) => format!("Until {}", face.brief(to)),
        (Some(from), Some(to)) => {
            let (a, b) = (face.wall(from), face.wall(to));
            let seconds = a.second() != 0 || b.second() != 0;
            let time = if seconds { "%H:%M:%S" } else { "%H:%M" };
            let day = if a.year() == face.wall(face.now).year() {
                "%-d %b"
            } else {
                "%-d %b %Y"
            };
            let start = a.strftime(&format!("{day} {time}")).to_string();
            let same_day = a.date() == b.date();
            let end = if same_day {
                time.to_owned()
            } else {
                format!("{day} {time}")
            };
            format!("{start} – {}", b.strftime(&end))
        }
    }
}
