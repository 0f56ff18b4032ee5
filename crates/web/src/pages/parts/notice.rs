//! Bands above a page: recording stopped, requests without a record, nothing came yet.

use admintrail_capture::RecorderState;
use admintrail_store::TrailState;

use crate::App;
use crate::pages::wording::moment::Face;
use crate::pages::wording::number::counted;

/// A band.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// `bad` or `warn`.
    pub(crate) class: &'static str,
    pub(crate) text: String,
    pub(crate) detail: String,
}

/// What the recorders and the trail say of themselves that a reader of the record must know.
pub(crate) fn recording(recorder: &RecorderState, trail: &TrailState, face: &Face) -> Vec<Notice> {
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
        });
    }
    if recorder.unrecorded > 0 {
        let n = counted(recorder.unrecorded, "request", "requests");
        notices.push(Notice {
            class: "warn",
            text: format!("{n} passed without a record of their own."),
            detail: "They will be counted in a gap event as soon as recording works.".to_owned(),
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
