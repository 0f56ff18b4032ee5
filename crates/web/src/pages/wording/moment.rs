//! Moments in the viewer's zone.

use admintrail_event::Micros;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::view_query::midnight;

/// How moments are shown to one viewer at one request.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    /// The viewer's zone.
    pub(crate) zone: TimeZone,
    /// The moment of the request.
    pub(crate) now: Micros,
}

impl Face {
    /// The moment on the wall; what no calendar has (year 10,000) counts as the epoch.
    pub(crate) fn wall(&self, at: Micros) -> Zoned {
        Timestamp::from_microsecond(at.0)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
    }

    /// Where buckets of the charts begin: at midnights of the zone.
    pub(crate) fn midnight(&self) -> Micros {
        midnight(&self.zone, self.now)
    }

    /// `22 Nov 14:31:58`; another year than this one is named.
    pub(crate) fn row(&self, at: Micros) -> String {
        let (at, now) = (self.wall(at), self.wall(self.now));
        let form = if at.year() == now.year() {
            "%-d %b %H:%M:%S"
        } else {
            "%-d %b %Y %H:%M:%S"
        };
        at.strftime(form).to_string()
    }

    /// `22 Nov 2026, 14:31:58.117 (+01:00)`
    pub(crate) fn exact(&self, at: Micros) -> String {
        self.wall(at)
            .strftime("%-d %b %Y, %H:%M:%S.%3f (%:z)")
            .to_string()
    }

    /// `14:32` today, `21 Nov 14:32` before.
    pub(crate) fn brief(&self, at: Micros) -> String {
        let (at, now) = (self.wall(at), self.wall(self.now));
        let form = if at.date() == now.date() {
            "%H:%M"
        } else if at.year() == now.year() {
            "%-d %b %H:%M"
        } else {
            "%-d %b %Y %H:%M"
        };
        at.strftime(form).to_string()
    }

    /// `14:32:05`
    pub(crate) fn clock(&self, at: Micros) -> String {
        self.wall(at).strftime("%H:%M:%S").to_string()
    }

    /// `just now`, `5 min ago`, then as [`Self::brief`].
    pub(crate) fn ago(&self, at: Micros) -> String {
        let seconds = self.now.0.saturating_sub(at.0) / Micros::SECOND;
        match seconds {
            ..60 => "just now".to_owned(),
            60..3_600 => format!("{} min ago", seconds / 60),
            _ => self.brief(at),
        }
    }

    /// For `<input type="datetime-local">`: `2026-11-22T14:31`.
    pub(crate) fn input(&self, at: Micros) -> String {
        self.wall(at).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// `Europe/Kyiv, UTC+2`
    pub(crate) fn zone_name(&self) -> String {
        let offset = self.offset();
        match self.zone.iana_name() {
            Some(name) if name != "UTC" => format!("{name}, {offset}"),
            _ => offset,
        }
    }

    /// `UTC+2`, `UTC+5:30`, `UTC`
    pub(crate) fn offset(&self) -> String {
        let seconds = self.wall(self.now).offset().seconds();
        if seconds == 0 {
            return "UTC".to_owned();
        }
        let sign = if seconds < 0 { '\u{2212}' } else { '+' };
        let (hours, minutes) = (seconds.abs() / 3_600, seconds.abs() % 3_600 / 60);
        if minutes == 0 {
            format!("UTC{sign}{hours}")
        } else {
            format!("UTC{sign}{hours}:{minutes:02}")
        }
    }

    /// The first moment of today, moved by whole days.
    pub(crate) fn day(&self, offset: i64) -> Micros {
        let today = self.wall(self.now).date();
        jiff::Span::new()
            .try_days(offset)
            .and_then(|span| today.checked_add(span))
            .and_then(|date| date.to_zoned(self.zone.clone()))
            .map_or(self.now, |start| Micros(start.timestamp().as_microsecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(zone: &str) -> Face {
        let now = Micros::parse_rfc3339("2026-11-22T14:31:58Z").unwrap();
        Face {
            zone: TimeZone::get(zone).unwrap(),
            now,
        }
    }

    #[test]
    fn moments_are_in_the_viewers_zone_and_name_another_year() {
        let kyiv = face("Europe/Kyiv");
        assert_eq!(kyiv.row(kyiv.now), "22 Nov 16:31:58");
        let before = Micros::parse_rfc3339("2025-12-31T23:00:00Z").unwrap();
        assert_eq!(kyiv.row(before), "1 Jan 01:00:00");
        assert_eq!(face("UTC").row(before), "31 Dec 2025 23:00:00");
        assert_eq!(kyiv.exact(kyiv.now), "22 Nov 2026, 16:31:58.000 (+02:00)");
        assert_eq!(kyiv.zone_name(), "Europe/Kyiv, UTC+2");
        assert_eq!(face("Asia/Kolkata").offset(), "UTC+5:30");
        assert_eq!(face("America/New_York").offset(), "UTC\u{2212}5");
    }

    #[test]
    fn a_day_begins_at_the_viewers_midnight() {
        assert_eq!(
            face("Europe/Kyiv").day(0).to_string(),
            "2026-11-21T22:00:00.000000Z"
        );
        assert_eq!(
            face("UTC").day(-1).to_string(),
            "2026-11-21T00:00:00.000000Z"
        );
    }
}
