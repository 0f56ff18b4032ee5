//! Bands above a page: recording stopped, requests without a record, nothing came yet.

use admintrail_capture::RecorderState;
use admintrail_store::TrailState;

use crate::auth::Capability;
use crate::health::{Code, Severity, Words};
use crate::pages::scene::Scene;
use crate::pages::wording::link::{ADDRESSES, ALERTS, ANCHORS, REQUESTS, SESSIONS};
use crate::pages::wording::moment::Face;
use crate::pages::wording::number::counted;
use crate::{App, Reach};

/// A band.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// `bad`, `warn` or `hint`.
    pub(crate) class: &'static str,
    pub(crate) text: String,
    pub(crate) detail: String,
    /// A line of the configuration, to be copied.
    pub(crate) line: Option<String>,
    /// Where to look, and what that says.
    pub(crate) way: Option<(String, &'static str)>,
}

/// What the record says about how panels are set up: whether to trust a proxy, and sessions that
/// are older than the recording.
pub(crate) fn hints(scene: &Scene, path: &str) -> Vec<Notice> {
    let hints = scene.app.hints();
    let mut notices = Vec::new();
    if path == REQUESTS || path == ADDRESSES {
        for one in &hints.one_address {
            let n = counted(one.requests, "request", "requests");
            let bits = if one.ip.contains(':') { 128 } else { 32 };
            notices.push(Notice {
                class: "hint",
                text: format!(
                    "All {n} to {} came from {}. Trust this proxy?",
                    one.panel, one.ip
                ),
                detail: format!(
                    "If a reverse proxy stands there, put this into the section of {} in the \
                     configuration, and the address behind it is recorded:",
                    one.panel
                ),
                line: Some(format!("trusted_proxies = [\"{}/{bits}\"]", one.ip)),
                way: None,
            });
        }
    }
    if hints.before_recording > 0 && (path == REQUESTS || path == SESSIONS) {
        let n = counted(hints.before_recording, "session", "sessions");
        let (they, are, their) = if hints.before_recording == 1 {
            ("it", "is", "its")
        } else {
            ("they", "are", "their")
        };
        let words = "is:unknown outcome:success".to_owned();
        let href = scene.links.fresh_at(SESSIONS, |query| {
            query.q = words;
            (query.from, query.to) = (None, None);
        });
        notices.push(Notice {
            class: "hint",
            text: format!("{n} signed in before recording began;"),
            detail: format!("{they} {are} named after {their} next sign-in."),
            line: None,
            way: Some((href, "Show them")),
        });
    }
    notices
}

/// As long as no place gets checkpoints, those who may name one are asked for it.
pub(crate) fn no_anchor(scene: &Scene) -> Vec<Notice> {
    let asked =
        scene.viewer.may(Capability::Manage) && scene.app.anchors.read().places().is_empty();
    let ask = || Notice {
        class: "hint",
        text: "Where else may proof be kept?".to_owned(),
        detail:
            "Whoever owns this machine can rewrite everything that nobody else has a checkpoint \
                 of."
            .to_owned(),
        line: None,
        way: Some((ANCHORS.to_owned(), "Add a place")),
    };
    asked.then(ask).into_iter().collect()
}

/// Panels that answer around the recorder: what is on record is not all.
pub(crate) fn ways_around(app: &App) -> Vec<Notice> {
    let open = app.direct_access().into_iter();
    let open = open.filter(|(_, access)| access.reach == Reach::Open);
    open.map(|(panel, access)| Notice {
        class: "warn",
        text: format!("Direct access to {panel}: {}.", access.reach.shown()),
        detail: access.why,
        line: None,
        way: Some(("/settings/panels".to_owned(), "Panels")),
    })
    .collect()
}

/// What is wrong with the recording: what it says of itself this moment, and the conditions that
/// were found.
pub(crate) fn health(app: &App, face: &Face) -> Vec<Notice> {
    health_without(app, face, None)
}

/// [`health`] without one condition, on the page that tells of it by itself.
pub(crate) fn health_without(app: &App, face: &Face, told: Option<Code>) -> Vec<Notice> {
    health_without_all(app, face, told.as_slice())
}

/// [`health`] without some conditions, on the page that tells of them by itself.
pub(crate) fn health_without_all(app: &App, face: &Face, told: &[Code]) -> Vec<Notice> {
    let mut notices = recording(&app.recorder_state(), &app.trail.state(), face);
    let open = app.health.open().into_iter();
    // That recording stopped is told as it is now, not as it was at the last look; and whoever let
    // retention go on need not wait for the next one.
    let goes_on = app.trail.retention().paused.is_none();
    let others: Vec<_> = open
        .filter(|one| match one.fault.code() {
            code if told.contains(&code) => false,
            Code::RecordingStopped => false,
            Code::RetentionPaused => !goes_on,
            _ => true,
        })
        .collect();
    let more = others.len().saturating_sub(TOLD);
    let words = others.iter().take(TOLD).map(|one| {
        let words = Words::of(&one.fault, one.since, &|at| face.brief(at));
        Notice {
            class: match one.fault.code().severity() {
                Severity::Critical => "bad",
                Severity::Warning => "warn",
            },
            text: words.what,
            detail: words.remedy,
            line: None,
            way: Some((ALERTS.to_owned(), "Alerts")),
        }
    });
    notices.extend(words);
    if more > 0 {
        notices.push(Notice {
            class: "warn",
            text: format!("{} more.", counted(more as u64, "condition", "conditions")),
            detail: String::new(),
            line: None,
            way: Some((ALERTS.to_owned(), "Alerts")),
        });
    }
    notices
}

/// So many conditions are told above a page; more are counted.
const TOLD: usize = 3;

/// What the recorders and the trail say of themselves that a reader of the record must know.
fn recording(recorder: &RecorderState, trail: &TrailState, face: &Face) -> Vec<Notice> {
    let mut notices = Vec::new();
    let failing = [recorder.failing.as_ref(), trail.failing.as_ref()];
    if let Some((since, cause)) = failing
        .into_iter()
        .flatten()
        .min_by_key(|(since, _)| *since)
    {
        let at = face.brief(*since);
        notices.push(Notice {
            class: "bad",
            text: format!("Recording stopped {at}; rows are complete until then."),
            detail: cause.clone(),
            line: None,
            way: None,
        });
    }
    if recorder.unrecorded > 0 {
        let n = counted(recorder.unrecorded, "request", "requests");
        notices.push(Notice {
            class: "warn",
            text: format!("{n} passed without a record of their own."),
            detail: "They will be counted in a gap event as soon as recording works.".to_owned(),
            line: None,
            way: None,
        });
    }
    notices
}

/// Which panels are waited for: `billing on :8080, shop on :8081`.
pub(crate) fn waiting_for(app: &App) -> String {
    let panels = app.panels.iter().map(|panel| match &panel.listen {
        Some(listen) => format!("{} on {listen}", panel.name),
        None => format!("{} to send events", panel.name),
    });
    panels.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use admintrail_event::{LogId, Micros, Seq};
    use jiff::tz::TimeZone;

    #[test]
    fn the_time_until_which_rows_are_complete_is_the_earliest_failure() {
        let now = Micros::parse_rfc3339("2026-11-22T14:40:00Z").unwrap();
        let at = |text: &str| Micros::parse_rfc3339(text).unwrap();
        let recorder = RecorderState {
            open: 0,
            waiting: 3,
            unrecorded: 1,
            failing: Some((at("2026-11-22T14:33:00Z"), "disk full".to_owned())),
        };
        let trail = TrailState {
            log: LogId::default(),
            events: 1,
            last_seq: Seq(1),
            last_received: None,
            first_received: None,
            failing: Some((at("2026-11-22T14:32:00Z"), "disk full".to_owned())),
            bytes: 0,
            archive: admintrail_store::ArchiveState::default(),
        };
        let notices = recording(
            &recorder,
            &trail,
            &Face {
                zone: TimeZone::UTC,
                now,
            },
        );
        let texts: Vec<&str> = notices.iter().map(|notice| notice.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Recording stopped 14:32; rows are complete until then.",
                "1 request passed without a record of their own."
            ]
        );
    }
}
