//! The histogram: bars drawn here, in plain SVG. Widths are in percent and heights in pixels, so
//! that nothing is distorted and no script is needed.

use admintrail_event::Micros;
use admintrail_store::{Bucket, Histogram};
use jiff::civil::{self, DateTime, Time};
use jiff::{Span, Zoned};

use crate::pages::wording::moment::Face;
use crate::pages::wording::number::{grouped, some};

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
    /// Which end of the text is there.
    pub(crate) anchor: &'static str,
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
    /// If not everything was counted: from when on it was. `12 Nov 14:00`
    pub(crate) since: Option<String>,
    /// The highest bar.
    pub(crate) peak: String,
}

impl Chart {
    pub(crate) fn new(histogram: &Histogram, face: &Face) -> Self {
        let sum = |of: fn(&Bucket) -> u64| histogram.buckets.iter().map(of).sum::<u64>();
        let (read, changed, denied) = (sum(|b| b.read), sum(|b| b.changed), sum(|b| b.denied));
        let more = histogram.searched.is_some();
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
            bucket_name: crate::pages::wording::number::lasted(
                u64::try_from(histogram.width).unwrap_or(0),
            ),
            summary: format!(
                "Requests over time: {} read, {} changed, {} denied or failed",
                some(read, more),
                some(changed, more),
                some(denied, more)
            ),
            offset: face.offset(),
            empty: peak == 0,
            since: histogram
                .searched
                .map(|searched| face.brief(searched.back_to)),
            peak: grouped(peak),
            read: some(read, more),
            changed: some(changed, more),
            denied: some(denied, more),
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

/// What lies between two labels.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A part of a day.
    Minutes(i64),
    Days(i64),
    Months(i64),
}

const STEPS: [Step; 18] = [
    Step::Minutes(1),
    Step::Minutes(5),
    Step::Minutes(10),
    Step::Minutes(15),
    Step::Minutes(30),
    Step::Minutes(60),
    Step::Minutes(120),
    Step::Minutes(180),
    Step::Minutes(360),
    Step::Minutes(720),
    Step::Days(1),
    Step::Days(2),
    Step::Days(7),
    Step::Days(14),
    Step::Months(1),
    Step::Months(3),
    Step::Months(12),
    Step::Months(60),
];
/// Most labels.
const TICKS: i64 = 8;
/// More than ever fit between the first and the last.
const MOST: usize = 64;

impl Step {
    const DAY: i64 = 1_440;

    /// About how long it is, in µs.
    const fn about(self) -> i64 {
        let minutes = match self {
            Self::Minutes(minutes) => minutes,
            Self::Days(days) => days * Self::DAY,
            Self::Months(months) => months * 30 * Self::DAY,
        };
        minutes * 60 * Micros::SECOND
    }

    /// The round time on the wall at or before this one.
    fn floor(self, at: DateTime) -> Option<DateTime> {
        let midnight = at.date().to_datetime(Time::midnight());
        match self {
            Self::Minutes(step) => {
                let minutes = i64::from(at.hour()) * 60 + i64::from(at.minute());
                midnight
                    .checked_add(Span::new().minutes(minutes - minutes % step))
                    .ok()
            }
            Self::Days(step) => {
                // Counted from a Monday.
                let since = civil::date(1970, 1, 5).until(at.date()).ok()?;
                let over = i64::from(since.get_days()).rem_euclid(step);
                midnight.checked_sub(Span::new().days(over)).ok()
            }
            Self::Months(step) => {
                let month = i64::from(at.year()) * 12 + i64::from(at.month()) - 1;
                let first = midnight.with().day(1).build().ok()?;
                first
                    .checked_sub(Span::new().months(month.rem_euclid(step)))
                    .ok()
            }
        }
    }

    /// The round time after it. A day begins anew at midnight, whatever the clocks do in between.
    fn next(self, at: DateTime) -> Option<DateTime> {
        let span = match self {
            Self::Minutes(minutes) => Span::new().minutes(minutes),
            Self::Days(days) => Span::new().days(days),
            Self::Months(months) => Span::new().months(months),
        };
        at.checked_add(span).ok()
    }
}

/// Labels at round times on the viewer's wall. Each is found on the wall and then looked up in the
/// zone: across a change of clocks the distance between two of them changes, not their names.
fn ticks(histogram: &Histogram, face: &Face) -> Vec<Tick> {
    let span = histogram.to.0 - histogram.from.0;
    if span <= 0 {
        return Vec::new();
    }
    let step = STEPS
        .into_iter()
        .find(|step| span / step.about() <= TICKS)
        .unwrap_or(Step::Months(1_200));
    let first = step.floor(face.wall(histogram.from).datetime());
    let on_the_wall = std::iter::successors(first, |at| step.next(*at)).take(MOST);
    let mut ticks = Vec::new();
    let mut last = i64::MIN;
    for wall in on_the_wall {
        let Ok(at) = face.zone.to_zoned(wall) else {
            break;
        };
        let moment = at.timestamp().as_microsecond();
        if moment >= histogram.to.0 {
            break;
        }
        // An hour that the clocks leave out is the one after it.
        if moment <= last || at.datetime() != wall && matches!(step, Step::Minutes(_)) {
            continue;
        }
        last = moment;
        let share = (moment - histogram.from.0) as f64 / span as f64;
        if share >= 0.0 {
            let minor = ticks.len() % 2 == 1;
            ticks.push(Tick {
                x: percent(share * 100.0),
                // In the middle it would be cut off at the edges.
                anchor: match share {
                    ..0.03 => "start",
                    0.965.. => "end",
                    _ => "middle",
                },
                text: label(&at, step),
                minor,
            });
        }
    }
    ticks
}

fn label(at: &Zoned, step: Step) -> String {
    let form = match step {
        Step::Months(_) => "%b %Y",
        Step::Days(_) => "%a %-d %b",
        Step::Minutes(_) if at.hour() == 0 && at.minute() == 0 => "%a %-d",
        Step::Minutes(_) => "%H:%M",
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
            searched: None,
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

    #[test]
    fn the_edges_of_the_range_have_their_labels_too() {
        let at = |text| Micros::parse_rfc3339(text).unwrap();
        let (from, to) = (at("2026-11-22T00:00:00Z"), at("2026-11-22T18:10:00Z"));
        let histogram = Histogram {
            from,
            to,
            width: 600 * Micros::SECOND,
            buckets: vec![Bucket::default(); 109],
            searched: None,
        };
        let zone = TimeZone::UTC;
        let ticks = ticks(&histogram, &Face { zone, now: to });
        let told = |tick: Option<&Tick>| tick.map(|tick| (tick.text.clone(), tick.anchor));
        assert_eq!(told(ticks.first()), Some(("Sun 22".to_owned(), "start")));
        assert_eq!(told(ticks.last()), Some(("18:00".to_owned(), "end")));
    }

    fn texts(zone: &str, from: &str, to: &str) -> Vec<String> {
        let (from, to) = (
            Micros::parse_rfc3339(from).unwrap(),
            Micros::parse_rfc3339(to).unwrap(),
        );
        let histogram = Histogram {
            from,
            to,
            width: (to.0 - from.0) / 96,
            buckets: vec![Bucket::default(); 96],
            searched: None,
        };
        let zone = TimeZone::get(zone).unwrap();
        let ticks = ticks(&histogram, &Face { zone, now: to });
        ticks.into_iter().map(|tick| tick.text).collect()
    }

    /// Clocks in Kyiv go back at 04:00 on 25 October 2026, and forward at 03:00 on 29 March.
    #[test]
    fn labels_keep_their_names_across_a_change_of_clocks() {
        let days = texts(
            "Europe/Kyiv",
            "2026-10-21T21:00:00Z",
            "2026-10-29T12:00:00Z",
        );
        let expected = [
            "Thu 22 Oct",
            "Fri 23 Oct",
            "Sat 24 Oct",
            "Sun 25 Oct",
            "Mon 26 Oct",
            "Tue 27 Oct",
            "Wed 28 Oct",
            "Thu 29 Oct",
        ];
        assert_eq!(days, expected);
        let back = texts(
            "Europe/Kyiv",
            "2026-10-24T10:00:00Z",
            "2026-10-25T22:00:00Z",
        );
        assert_eq!(back, ["18:00", "Sun 25", "06:00", "12:00", "18:00"]);
        let forward = texts(
            "Europe/Kyiv",
            "2026-03-28T22:30:00Z",
            "2026-03-29T05:30:00Z",
        );
        assert_eq!(
            forward,
            [
                "01:00", "02:00", "04:00", "05:00", "06:00", "07:00", "08:00"
            ]
        );
        let year = texts(
            "Europe/Kyiv",
            "2026-01-15T00:00:00Z",
            "2026-12-31T00:00:00Z",
        );
        assert_eq!(year, ["Apr 2026", "Jul 2026", "Oct 2026"]);
    }
}
