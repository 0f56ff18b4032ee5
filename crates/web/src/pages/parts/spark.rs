//! Counts over time so small that they fit into a row.

use std::fmt::Write as _;

use admintrail_event::Micros;

use crate::pages::wording::moment::Face;
use crate::pages::wording::number::grouped;

/// In how many parts the time is counted.
pub(crate) const PARTS: usize = 32;
/// Height of the drawing.
const HEIGHT: u64 = 20;

/// A row of little bars, each as high as its share of the highest.
#[derive(Debug, Clone)]
pub(crate) struct Spark {
    /// The bars, as the `d` of a path. A part is three units wide, the drawing 20 high.
    pub(crate) path: String,
    /// The same for ears: `most 12 at 22 Nov 14:00`.
    pub(crate) summary: String,
}

impl Spark {
    pub(crate) fn new(counts: &[u64], over: Option<(Micros, Micros)>, face: &Face) -> Self {
        let (from, to) = over.unwrap_or((face.now, face.now));
        let peak = counts.iter().copied().max().unwrap_or(0);
        let mut path = String::new();
        for (x, count) in (0_u64..).step_by(3).zip(counts) {
            if *count > 0 {
                // Even one of thousands is seen.
                let height = (count * HEIGHT / peak.max(1)).max(2);
                let top = HEIGHT - height;
                _ = write!(path, "M{x} {top}h2v{height}h-2z");
            }
        }
        let at = counts.iter().position(|count| *count == peak).unwrap_or(0);
        let parts = i64::try_from(counts.len().max(1)).unwrap_or(1);
        let width = (to.0 - from.0) / parts;
        let start = Micros(from.0 + width * i64::try_from(at).unwrap_or(0));
        let summary = if peak == 0 {
            "none".to_owned()
        } else {
            format!("most from {} on: {}", face.brief(start), grouped(peak))
        };
        Self { path, summary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn the_highest_fills_the_height_and_the_least_is_seen() {
        let now = Micros::parse_rfc3339("2026-11-22T14:00:00Z").unwrap();
        let face = Face {
            zone: TimeZone::UTC,
            now,
        };
        let from = Micros(now.0 - 4 * 3_600 * Micros::SECOND);
        let spark = Spark::new(&[0, 1, 400, 0], Some((from, now)), &face);
        assert_eq!(spark.path, "M3 18h2v2h-2zM6 0h2v20h-2z");
        assert_eq!(spark.summary, "most from 12:00 on: 400");
        assert_eq!(Spark::new(&[], None, &face).path, "");
    }
}
