//! The histogram: bars drawn here, in plain SVG. Widths are in percent and heights in pixels, so
//! that nothing is distorted and no script is needed.

use admintrail_event::Micros;
use admintrail_store::{Bucket, Histogram};
use jiff::Zoned;

use crate::pages::moment::Face;
use crate::pages::number::grouped;

/// About how many bars are asked for.
pub(crate) const BARS: usize = 96;
/// Height of the plot in pixels.
const HEIGHT: u64 = 56;

/// A piece of a bar.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Class that fills it.
    pub(crate) class: &'static str,
    pub(crate) y: u64,
    pub(crate) height: u64,
}

/// A bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// Percent.
    pub(crate) x: String,
    pub(crate) pieces: Vec<Piece>,
}

/// A label of the axis.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    pub(crate) x: String,
    pub(crate) text: String,
    /// Left out where there is little room.
    pub(crate) minor: bool,
}

/// A line of the table behind the chart.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) read: String,
    pub(crate) changed: String,
    pub(crate) denied: String,
}

/// The chart.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) read: String,
    pub(crate) changed: String,
    pub(crate) denied: String,
    pub(crate) bars: Vec<Bar>,
    /// Width of a bar in percent.
    pub(crate) width: String,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) lines: Vec<Line>,
    /// First moment, µs.
    pub(crate) from: i64,
    /// Width of a bucket, µs.
    pub(crate) bucket: i64,
    /// `15 min`
    pub(crate) bucket_name: String,
    /// What an ear needs.
    pub(crate) summary: String,
    pub(crate) offset: String,
    /// Nothing to draw.
    pub(crate) empty: bool,
    /// The highest bar.
    pub(crate) peak: String,
}

impl Chart {
    pub(crate) fn new(histogram: &Histogram, face: &Face) -> Self {
        let sum = |of: fn(&Bucket) -> u64| histogram.buckets.iter().map(of).sum::<u64>();
        let (read, changed, denied) = (sum(|b| b.read), sum(|b| b.changed), sum(|b| b.denied));
        let peak = histogram.buckets.iter().map(all).max().unwrap_or(0);
        let count = histogram.buckets.len().max(1);
        let slot = 100.0 / count as f64;
        let bars = histogram
            .buckets
            .iter()
            .enumerate()
            .filter(|(_, bucket)| all(bucket) > 0);
        Self {
            bars: bars
                .map(|(i, bucket)| Bar {
                    x: percent(i as f64 * slot + slot * 0.09),
                    pieces: stack(bucket, peak),
                })
                .collect(),
            width: percent(slot * 0.82),
            ticks: ticks(histogram, face),
            lines: lines(histogram, face),
            from: histogram.from.0,
            bucket: histogram.width,
            bucket_name: crate::pages::number::lasted(u64::try_from(histogram.width).unwrap_or(0)),
            summary: format!(
                "Requests over time: {} read, {} changed, {} denied or failed",
                grouped(read),
                grouped(changed),
                grouped(denied)
            ),
            offset: face.offset(),
            empty: peak == 0,
            peak: grouped(peak),
            read: grouped(read),
            changed: grouped(changed),
            denied: grouped(denied),
        }
    }
}

fn all(bucket: &Bucket) -> u64 {
    bucket.read + bucket.changed + bucket.denied
}

fn percent(value: f64) -> String {
    format!("{value:.3}%")
}

/// Read below, changed on it, denied on top. What is there is seen: a piece is at least 2 pixels,
/// and what that adds is taken from the largest piece.
fn stack(bucket: &Bucket, peak: u64) -> Vec<Piece> {
    let parts = [
        ("read", bucket.read),
        ("changed", bucket.changed),
        ("denied", bucket.denied),
    ];
    let scaled = |n: u64| {
        if n == 0 {
            0
        } else {
            (n * HEIGHT / peak.max(1)).max(2)
        }
    };
    let mut heights = parts.map(|(_, n)| scaled(n));
    let over = heights.iter().sum::<u64>().saturating_sub(HEIGHT);
    if let Some(largest) = heights.iter_mut().max() {
        *largest = largest.saturating_sub(over);
    }
    let mut floor = HEIGHT;
    let mut pieces = Vec::with_capacity(3);
    for ((class, _), height) in parts.into_iter().zip(heights) {
        if height > 0 {
            floor = floor.saturating_sub(height);
            pieces.push(Piece {
                class,
                y: floor,
                height,
            });
        }
    }
    pieces
}

fn start_of(histogram: &Histogram, index: usize) -> Micros {
    Micros(histogram.from.0 + histogram.width * i64::try_from(index).unwrap_or(0))
}

fn lines(histogram: &Histogram, face: &Face) -> Vec<Line> {
    let line = |(i, bucket): (usize, &Bucket)| Line {
        label: face.brief(start_of(histogram, i)),
        read: grouped(bucket.read),
        changed: grouped(bucket.changed),
        denied: grouped(bucket.denied),
    };
    histogram.buckets.iter().enumerate().map(line).collect()
}

/// Steps between labels, in minutes.
const STEPS: [i64; 15] = [
    1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080, 43_200, 129_600,
];
/// Most labels.
const TICKS: i64 = 8;

/// Labels at round times on the viewer's wall.
fn ticks(histogram: &Histogram, face: &Face) -> Vec<Tick> {
    let span = histogram.to.0 - histogram.from.0;
    if span <= 0 {
        return Vec::new();
    }
    let minute = 60 * Micros::SECOND;
    let step = STEPS
        .into_iter()
        .find(|step| span / (step * minute) <= TICKS)
        .unwrap_or(525_600);
    let start = face.wall(histogram.from);
    let offset = i64::from(start.offset().seconds()) * Micros::SECOND;
    let step = step * minute;
    let mut at = (histogram.from.0 + offset).div_euclid(step) * step - offset;
    let mut ticks = Vec::new();
    while at < histogram.to.0 && ticks.len() < 32 {
        let share = (at - histogram.from.0) as f64 / span as f64;
        // A label at the very edge would be cut off.
        if (0.03..0.965).contains(&share) {
            let minor = ticks.len() % 2 == 1;
            ticks.push(Tick {
                x: percent(share * 100.0),
                text: label(&face.wall(Micros(at)), step),
                minor,
            });
        }
        at += step;
    }
    ticks
}

fn label(at: &Zoned, step: i64) -> String {
    let day = 86_400 * Micros::SECOND;
    let form = if step >= 28 * day {
        "%b %Y"
    } else if step >= day {
        "%a %-d %b"
    } else if at.hour() == 0 && at.minute() == 0 {
        "%a %-d"
    } else {
        "%H:%M"
    };
    at.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    #[test]
    fn a_single_denied_request_beside_thousands_is_seen() {
        let pieces = stack(
            &Bucket {
                read: 50_000,
                changed: 3,
                denied: 1,
            },
            50_004,
        );
        assert_eq!(pieces.len(), 3);
        assert!(pieces.iter().all(|piece| piece.height >= 2));
        assert_eq!(pieces.iter().map(|piece| piece.height).sum::<u64>(), HEIGHT);
        assert_eq!(pieces.last().map(|piece| piece.y), Some(0));
    }

    #[test]
    fn labels_stand_at_round_times_of_the_viewers_zone() {
        let from = Micros::parse_rfc3339("2026-11-21T14:30:00Z").unwrap();
        let to = Micros::parse_rfc3339("2026-11-22T14:30:00Z").unwrap();
        let histogram = Histogram {
            from,
            to,
            width: 900 * Micros::SECOND,
            buckets: vec![Bucket::default(); 96],
        };
        let face = Face {
            zone: TimeZone::get("Asia/Kolkata").unwrap(),
            now: to,
        };
        let texts: Vec<String> = ticks(&histogram, &face)
            .into_iter()
            .map(|tick| tick.text)
            .collect();
        assert_eq!(
            texts,
            [
                "21:00", "Sun 22", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00"
            ]
        );
    }
}
