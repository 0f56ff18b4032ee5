//! Today against usual: the hours of today beside the mean of the seven days before.

use admintrail_event::{Filter, Micros};
use admintrail_store::View;

use crate::WebError;
use crate::pages::scene::Scene;
use crate::pages::wording::number::grouped;

/// Height of the plot in pixels.
const HEIGHT: u64 = 92;
/// Fewer are no base for percentages.
const LEAST: u64 = 20;
/// Days that make "usual".
const DAYS: i64 = 7;

/// An hour of the day.
pub(crate) struct Hour {
    /// Percent.
    pub(crate) x: String,
    pub(crate) name: String,
    pub(crate) label: bool,
    pub(crate) today: String,
    pub(crate) usual: String,
    pub(crate) today_y: u64,
    pub(crate) today_height: u64,
    /// The usual, as a mark across the bar.
    pub(crate) usual_y: Option<u64>,
    /// Not over yet.
    pub(crate) going_on: bool,
}

/// The comparison.
pub(crate) struct Usual {
    pub(crate) hours: Vec<Hour>,
    pub(crate) today: String,
    /// `12% more than usual by now`
    pub(crate) compared: String,
    pub(crate) summary: String,
    /// There is a usual.
    pub(crate) known: bool,
}

/// Counts by hour of the day.
type Hours = [u64; 24];

impl Usual {
    pub(crate) fn new(scene: &Scene, today: Micros) -> Result<Self, WebError> {
        let face = &scene.face;
        let view = View {
            filter: Filter::parse("-panel:admintrail")?,
            from: Some(face.day(-DAYS)),
            to: Some(scene.now()),
            fold: true,
            ..View::default()
        };
        let hours = 24 * (DAYS as usize + 1);
        let histogram = scene.app.trail.histogram(&view, hours, face.midnight())?;
        let mut now = Hours::default();
        let mut before = Hours::default();
        let mut by_now = 0;
        // From the first day on record to yesterday.
        let mut days = 0;
        let elapsed = scene.now().0 - today.0;
        for (index, bucket) in histogram.buckets.iter().enumerate() {
            let at = Micros(histogram.from.0 + histogram.width * i64::try_from(index).unwrap_or(0));
            let count = bucket.read + bucket.changed + bucket.denied;
            let wall = face.wall(at);
            let hour = usize::try_from(wall.hour()).unwrap_or(0);
            let into_day = i64::from(wall.hour()) * 3_600 + i64::from(wall.minute()) * 60;
            let hours = if at >= today { &mut now } else { &mut before };
            if let Some(slot) = hours.get_mut(hour) {
                *slot += count;
            }
            if at < today && count > 0 {
                let ago = (today.0 - at.0) / (86_400 * Micros::SECOND) + 1;
                days = days.max(u64::try_from(ago.min(DAYS)).unwrap_or(0));
            }
            if at < today && into_day * Micros::SECOND < elapsed {
                by_now += count;
            }
        }
        Ok(Self::of(
            &now,
            &before,
            by_now,
            days,
            usize::try_from(face.wall(scene.now()).hour()).unwrap_or(0),
        ))
    }

    fn of(now: &Hours, before: &Hours, by_now: u64, days: u64, current: usize) -> Self {
        let total: u64 = now.iter().sum();
        let mean = |sum: u64| (sum + days / 2).checked_div(days).unwrap_or(0);
        let peak = now
            .iter()
            .copied()
            .chain(before.iter().map(|sum| mean(*sum)))
            .max()
            .unwrap_or(0)
            .max(1);
        let scaled = |n: u64| {
            if n == 0 {
                0
            } else {
                (n * HEIGHT / peak).max(2)
            }
        };
        let hour = |(index, (today, usual)): (usize, (&u64, &u64))| Hour {
            x: format!("{:.3}%", index as f64 / 24.0 * 100.0),
            name: format!("{index:02}:00"),
            label: index % 6 == 0,
            today: grouped(*today),
            usual: grouped(mean(*usual)),
            today_y: HEIGHT - scaled(*today),
            today_height: scaled(*today),
            usual_y: (days > 0).then(|| (HEIGHT - scaled(mean(*usual))).min(HEIGHT - 1)),
            going_on: index == current,
        };
        let usual = mean(by_now);
        Self {
            hours: now.iter().zip(before).enumerate().map(hour).collect(),
            today: grouped(total),
            compared: compared(total, usual, days),
            summary: format!(
                "Requests by hour: {} today, {} usual by now",
                grouped(total),
                grouped(usual)
            ),
            known: days > 0,
        }
    }
}

fn compared(today: u64, usual: u64, days: u64) -> String {
    if days == 0 {
        return "with nothing to compare them with yet".to_owned();
    }
    if usual == 0 {
        return "usually none by now".to_owned();
    }
    // A share of next to nothing says nothing.
    if usual < LEAST {
        return format!("usually {} by now", grouped(usual));
    }
    let change = (i128::from(today) - i128::from(usual)) * 100 / i128::from(usual);
    match change {
        -4..=4 => format!("about as usual by now ({})", grouped(usual)),
        400.. => {
            let times = grouped(today / usual);
            format!("{times} times as many as usual by now ({})", grouped(usual))
        }
        5.. => format!("{change}% more than usual by now ({})", grouped(usual)),
        _ => format!("{}% less than usual by now ({})", -change, grouped(usual)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_compared_with_the_same_hours_of_the_days_before() {
        assert_eq!(compared(120, 100, 7), "20% more than usual by now (100)");
        assert_eq!(compared(40, 100, 7), "60% less than usual by now (100)");
        assert_eq!(compared(1_020, 1_000, 7), "about as usual by now (1,000)");
        assert!(compared(5, 0, 0).contains("yet"));
        assert_eq!(compared(5, 0, 3), "usually none by now");
        assert_eq!(compared(244, 1, 7), "usually 1 by now");
        assert_eq!(compared(0, 19, 7), "usually 19 by now");
        let many = "24 times as many as usual by now (100)";
        assert_eq!(compared(2_450, 100, 7), many);
    }

    #[test]
    fn the_usual_is_a_mean_over_the_days_on_record() {
        let mut now = Hours::default();
        let mut before = Hours::default();
        (now[9], before[9], before[15]) = (50, 140, 700);
        let usual = Usual::of(&now, &before, 140, 7, 9);
        assert_eq!(usual.hours[9].usual, "20");
        assert_eq!(usual.hours[15].usual_y, Some(0));
        assert_eq!(usual.hours[9].today_height, 46);
        assert_eq!(usual.compared, "150% more than usual by now (20)");
    }
}
