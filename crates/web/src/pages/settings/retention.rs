//! `/settings/retention`: how long what is kept, how much room that takes, what was deleted.

use std::sync::Arc;

use admintrail_event::{Micros, PanelName};
use admintrail_store::{FacetField, Groups, Retention, RetentionState, Total, TrailState, View};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::auth::Capability;
use crate::health::{Code, Disk, clock_ahead};
use crate::pages::parts::notice;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::scene::{Scene, off_thread};
use crate::pages::settings::Told;
use crate::pages::wording::moment::Face;
use crate::pages::wording::number::{bytes, counted, some};
use crate::{PanelInfo, WebError};

/// More panels than anybody monitors.
const PANELS: usize = 10_000;
/// Over so many days growth is measured.
const MEASURED: i64 = 7;
/// A day (µs).
const DAY: i64 = 86_400 * Micros::SECOND;
/// Farther ahead nobody looks.
const YEARS: u64 = 10;

/// How long a panel's events are kept.
struct Line {
    name: String,
    days: String,
    /// It has days of its own.
    own: bool,
    oldest: String,
    oldest_exact: String,
    events: String,
}

/// How much room the record takes.
struct Room {
    held: String,
    archive: String,
    /// `about 4.1 MB a day`; `None`: not known yet.
    growth: Option<String>,
    /// What it will be once the oldest go as fast as new ones come.
    at_last: Option<String>,
    disk: Option<String>,
    /// It does not fit.
    tight: bool,
}

/// Nothing is deleted for now.
struct Paused {
    /// `The clock is 3,650 days ahead of what is on record`
    what: String,
    since: String,
    exact: String,
}

#[derive(Template)]
#[template(path = "pages/settings/retention.html")]
struct RetentionPage {
    shell: Shell,
    told: Told,
    days: String,
    /// Others than the usual ones.
    chosen: bool,
    paused: Option<Paused>,
    /// May say that the clock is right.
    may_resume: bool,
    lines: Vec<Line>,
    /// The numbers of events are at least these.
    since: Option<String>,
    room: Room,
    dropped: String,
    looked: String,
    /// For the configuration.
    config: String,
    /// A panel to name as an example.
    example: String,
}

/// What the page is drawn from.
struct Facts {
    retention: RetentionState,
    trail: TrailState,
    by_panel: Groups,
    /// Events of the last days.
    lately: Total,
    disk: Option<Disk>,
}

/// `GET /settings/retention`
pub(crate) async fn show(scene: Scene) -> Result<Response, WebError> {
    scene.viewer.require(Capability::Audit)?;
    let app = Arc::clone(&scene.app);
    off_thread(&app, move || {
        let html = draw(&scene, Facts::look(&scene)?)
            .render()
            .map_err(WebError::internal)?;
        Ok(Html(html).into_response())
    })
    .await
}

impl Facts {
    fn look(scene: &Scene) -> Result<Self, WebError> {
        let trail = &scene.app.trail;
        let lately = View {
            from: Some(Micros(scene.now().0 - MEASURED * DAY)),
            ..View::default()
        };
        Ok(Self {
            retention: trail.retention(),
            trail: trail.state(),
            by_panel: trail.groups(&View::default(), FacetField::Panel, PANELS)?,
            lately: trail.count(&lately)?,
            disk: scene.app.health.facts().and_then(|facts| facts.disk),
        })
    }
}

fn draw(scene: &Scene, facts: Facts) -> RetentionPage {
    let face = &scene.face;
    let policy = &facts.retention.policy;
    let panels = &scene.app.panels;
    // The band below says it, with the way out.
    let shell = Shell::new(&scene.viewer, "Retention", Place::Retention).saying(
        notice::health_without(&scene.app, face, Some(Code::RetentionPaused)),
    );
    RetentionPage {
        shell,
        told: Told::new(scene.app.take_flash(&scene.viewer)),
        days: counted(u64::from(policy.days), "day", "days"),
        chosen: policy.days != Retention::default().days,
        paused: facts.retention.paused.map(|paused| Paused {
            what: capital(&clock_ahead(paused.ahead_s)),
            since: face.brief(paused.since),
            exact: face.exact(paused.since),
        }),
        may_resume: scene.viewer.may(Capability::Manage),
        lines: lines(policy, panels, &facts.by_panel, face),
        since: facts
            .by_panel
            .searched
            .map(|searched| face.brief(searched.back_to)),
        room: Room::of(&facts, face),
        dropped: match facts.retention.dropped_at {
            Some(at) => format!(
                "{}, the last {}",
                counted(facts.retention.dropped, "event", "events"),
                face.ago(at)
            ),
            None => "Nothing so far".to_owned(),
        },
        looked: facts
            .retention
            .looked
            .map_or_else(|| "not yet".to_owned(), |at| face.ago(at)),
        config: config(policy),
        example: panels
            .first()
            .map_or_else(|| "billing".to_owned(), |panel| panel.name.to_string()),
    }
}

/// The panels that are set up, then those that are on record without being so, then our own.
fn lines(policy: &Retention, panels: &[PanelInfo], held: &Groups, face: &Face) -> Vec<Line> {
    let mut names: Vec<PanelName> = panels.iter().map(|panel| panel.name.clone()).collect();
    let own = PanelName::own();
    let on_record = held.rows.iter().filter_map(|group| group.value.as_ref());
    for name in on_record.filter_map(|name| name.parse::<PanelName>().ok()) {
        if name != own && !names.contains(&name) {
            names.push(name);
        }
    }
    names.push(own);
    let line = |name: &PanelName| {
        let group = held
            .rows
            .iter()
            .find(|group| group.value.as_deref() == Some(name.as_str()));
        let own_days = policy.panels.get(name).copied();
        let days = own_days.unwrap_or(policy.days);
        Line {
            name: name.to_string(),
            days: counted(u64::from(days), "day", "days"),
            own: own_days.is_some(),
            oldest: group.map_or_else(|| "–".to_owned(), |group| face.brief(group.first)),
            oldest_exact: group.map_or_else(String::new, |group| face.exact(group.first)),
            events: some(
                group.map_or(0, |group| group.requests),
                held.searched.is_some(),
            ),
        }
    };
    names.iter().map(line).collect()
}

impl Room {
    fn of(facts: &Facts, face: &Face) -> Self {
        let trail = &facts.trail;
        let archive = &trail.archive;
        let each = trail.bytes.checked_div(trail.events);
        let held = match each {
            Some(each) => format!(
                "{} for {}, {} each",
                bytes(trail.bytes),
                counted(trail.events, "event", "events"),
                bytes(each)
            ),
            None => format!("{}, no events yet", bytes(trail.bytes)),
        };
        let in_archive = match archive.segments {
            0 => "nothing yet; events move there in large parts".to_owned(),
            n => format!(
                "{} for {}, in {}",
                bytes(archive.bytes),
                counted(archive.events, "event", "events"),
                counted(n, "segment", "segments")
            ),
        };
        let daily = per_day(facts, face.now).map(|events| {
            let bytes = events.saturating_mul(each.unwrap_or(0));
            (events, bytes)
        });
        let days = u64::from(facts.retention.policy.days);
        let at_last = daily.map(|(_, daily)| daily.saturating_mul(days));
        let full_in = facts.disk.zip(daily).and_then(|(disk, (_, daily))| {
            let days = disk.free.checked_div(daily)?;
            Some(days)
        });
        let tight = full_in.is_some_and(|full_in| {
            let grows = at_last.unwrap_or(0).saturating_sub(trail.bytes);
            facts.disk.is_some_and(|disk| disk.free < grows) && full_in < days
        });
        Self {
            held,
            archive: in_archive,
            growth: daily.map(|(events, daily)| {
                format!(
                    "about {} a day, for {}",
                    bytes(daily),
                    counted(events, "event", "events")
                )
            }),
            at_last: at_last.map(|bytes_at_last| {
                format!(
                    "about {}, once {} are on record",
                    bytes(bytes_at_last),
                    counted(days, "day", "days")
                )
            }),
            disk: facts.disk.map(|disk| {
                let free = format!("{} free of {}", bytes(disk.free), bytes(disk.total));
                match full_in {
                    None => free,
                    Some(days) if days > YEARS * 365 => {
                        format!("{free}; at that rate it lasts longer than ten years")
                    }
                    Some(days) => {
                        let days = i64::try_from(days).unwrap_or(0);
                        let at = face.wall(Micros(face.now.0.saturating_add(days * DAY)));
                        format!(
                            "{free}; if nothing were deleted it would be full in {}, on {}",
                            counted(days.unsigned_abs(), "day", "days"),
                            at.strftime("%-d %b %Y")
                        )
                    }
                }
            }),
            tight,
        }
    }
}

/// Events a day, over the last days; `None` on the first one.
fn per_day(facts: &Facts, now: Micros) -> Option<u64> {
    let age = now.0.saturating_sub(facts.trail.first_received?.0);
    let measured = age.min(MEASURED * DAY);
    if measured < DAY {
        return None;
    }
    let events = u128::from(facts.lately.value) * u128::from(DAY.unsigned_abs());
    u64::try_from(events / u128::from(measured.unsigned_abs())).ok()
}

/// What holds, as the configuration would have it.
fn config(policy: &Retention) -> String {
    let mut text = format!("[retention]\ndays = {}", policy.days);
    for (panel, days) in &policy.panels {
        text.push_str(&format!(
            "\n\n[[panel]]\nname = \"{panel}\"\nretention_days = {days}"
        ));
    }
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use admintrail_event::{LogId, Seq};
    use admintrail_store::{ArchiveState, Relation, RetentionPaused};
    use jiff::tz::TimeZone;

    fn facts(bytes: u64, events: u64, lately: u64, disk: Option<Disk>) -> (Facts, Face) {
        let now = Micros::parse_rfc3339("2026-11-22T14:00:00Z").unwrap();
        let facts = Facts {
            retention: RetentionState::default(),
            trail: TrailState {
                log: LogId::default(),
                events,
                last_seq: Seq(events),
                last_received: Some(now),
                first_received: Some(Micros(now.0 - 100 * DAY)),
                failing: None,
                bytes,
                archive: ArchiveState::default(),
            },
            by_panel: Groups {
                rows: Vec::new(),
                other: 0,
                over: None,
                searched: None,
            },
            lately: Total {
                value: lately,
                relation: Relation::Equal,
            },
            disk,
        };
        let zone = TimeZone::UTC;
        (facts, Face { zone, now })
    }

    fn disk(free: u64) -> Option<Disk> {
        let total = 800_000_000_000;
        Some(Disk { free, total })
    }

    #[test]
    fn growth_is_measured_over_the_last_week_and_says_when_the_disk_is_full() {
        // 100 B an event, 1,000,000 events a day: 100 MB a day.
        let (found, face) = facts(1_000_000_000, 10_000_000, 7_000_000, disk(300_000_000_000));
        let room = Room::of(&found, &face);
        assert_eq!(room.held, "1.0 GB for 10,000,000 events, 100 B each");
        let growth = "about 100 MB a day, for 1,000,000 events";
        assert_eq!(room.growth.as_deref(), Some(growth));
        let at_last = "about 40.0 GB, once 400 days are on record";
        assert_eq!(room.at_last.as_deref(), Some(at_last));
        let full = "300 GB free of 800 GB; if nothing were deleted it would be full in 3,000 days, on \
                    8 Feb 2035";
        assert_eq!(room.disk.as_deref(), Some(full));
        assert!(!room.tight, "what is old goes long before");
    }

    #[test]
    fn a_disk_that_is_too_small_is_told() {
        let (found, face) = facts(1_000_000_000, 10_000_000, 7_000_000, disk(9_000_000_000));
        assert!(Room::of(&found, &face).tight);
        let (found, face) = facts(1_000_000_000, 10_000_000, 7_000_000, disk(39_500_000_000));
        assert!(!Room::of(&found, &face).tight, "the rest is there already");
    }

    #[test]
    fn the_first_day_says_nothing_of_growth() {
        let (mut found, face) = facts(5_000, 50, 50, None);
        found.trail.first_received = Some(Micros(face.now.0 - DAY / 2));
        let room = Room::of(&found, &face);
        assert_eq!((room.growth, room.disk), (None, None));
    }

    #[test]
    fn how_far_the_clock_is_off_is_said_in_days() {
        let paused = RetentionPaused {
            since: Micros(0),
            ahead_s: 3_650 * 86_400,
        };
        let said = capital(&clock_ahead(paused.ahead_s));
        assert_eq!(said, "The clock is 3,650 days ahead of what is on record");
        assert_eq!(
            clock_ahead(7_200),
            "the clock is 2 h ahead of what is on record"
        );
    }
}
