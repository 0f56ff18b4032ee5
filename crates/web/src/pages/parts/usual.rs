//! Today against usual: the hours of today beside the mean of the same weekday of the weeks before;
//! of the days before, as long as no such day is on record.

use admintrail_event::{Filter, Micros};
use admintrail_store::View;

use crate::WebError;
use crate::pages::scene::Scene;
use crate::pages::wording::number::grouped;

/// Height of the plot in pixels.
const HEIGHT: u64 = 92;
/// Fewer are no base for percentages.
const LEAST: u64 = 20;
/// Weeks whose same weekday makes "usual".
const WEEKS: i64 = 4;
/// Days that make it as long as the record is younger than a week.
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
    /// What it is: `mean of the last 3 Mondays`
    pub(crate) of: String,
}

/// Counts by hour of the day.
type Hours = [u64; 24];

/// Days that today is compared with.
#[derive(Default)]
struct Before {
    /// Sums of all of them.
    hours: Hours,
    /// Of their part that today has had too.
    by_now: u64,
    /// How many.
    days: u64,
}

impl Before {
    fn add(&mut self, hour: usize, count: u64, by_now: bool) {
        if let Some(slot) = self.hours.get_mut(hour) {
            *slot += count;
        }
        if by_now {
            self.by_now += count;
        }
    }
}

impl Usual {
    pub(crate) fn new(scene: &Scene, today: Micros) -> Result<Self, WebError> {
        let face = &scene.face;
        let view = View {
            filter: Filter::parse("-panel:admintrail")?,
            from: Some(face.day(-7 * WEEKS)),
            to: Some(scene.now()),
            fold: true,
            ..View::default()
        };
        let hours = 24 * (7 * WEEKS as usize + 1);
        let histogram = scene.app.trail.histogram(&view, hours, face.midnight())?;
        let mut now = Hours::default();
        let (mut weekdays, mut days) = (Before::default(), Before::default());
        // How many days ago the record begins.
        let mut begun = 0;
        let elapsed = scene.now().0 - today.0;
        let date = face.wall(scene.now()).date();
        for (index, bucket) in histogram.buckets.iter().enumerate() {
            let at = Micros(histogram.from.0 + histogram.width * i64::try_from(index).unwrap_or(0));
            let count = bucket.read + bucket.changed + bucket.denied;
            let wall = face.wall(at);
            let hour = usize::try_from(wall.hour()).unwrap_or(0);
            let into_day = i64::from(wall.hour()) * 3_600 + i64::from(wall.minute()) * 60;
            let by_now = into_day * Micros::SECOND < elapsed;
            let ago = i64::from((date - wall.date()).get_days());
            if ago <= 0 {
                if let Some(slot) = now.get_mut(hour) {
                    *slot += count;
                }
                continue;
            }
            if count > 0 {
                begun = begun.max(ago);
            }
            if ago % 7 == 0 {
                weekdays.add(hour, count, by_now);
            }
            if ago <= DAYS {
                days.add(hour, count, by_now);
            }
        }
        // Recording began in the middle of its first day.
        weekdays.days = u64::try_from(((begun - 1) / 7).min(WEEKS)).unwrap_or(0);
        days.days = u64::try_from(begun.min(DAYS)).unwrap_or(0);
        let hour = usize::try_from(face.wall(scene.now()).hour()).unwrap_or(0);
        let (before, of) = match (weekdays.days, days.days) {
            (0, 0) => (&days, String::new()),
            (0, 1) => (&days, "yesterday".to_owned()),
            (0, n) => (&days, format!("mean of the last {n} days")),
            (1, _) => (&weekdays, date.strftime("last %A").to_string()),
            (n, _) => {
                let weekday = date.strftime("%A");
                (&weekdays, format!("mean of the last {n} {weekday}s"))
            }
        };
        let mut usual = Self::of(&now, before, hour);
        usual.of = of;
        if let Some(searched) = histogram.searched {
            usual.is_counted_back_to(&face.brief(searched.back_to));
        }
        Ok(usual)
    }

    /// Not everything was counted: that is no base for a comparison.
    fn is_counted_back_to(&mut self, moment: &str) {
        self.today.push('+');
        self.compared = format!("counted back to {moment} so far");
        self.known = false;
        for hour in &mut self.hours {
            hour.usual_y = None;
        }
    }

    fn of(now: &Hours, before: &Before, current: usize) -> Self {
        let days = before.days;
        let total: u64 = now.iter().sum();
        let mean = |sum: u64| (sum + days / 2).checked_div(days).unwrap_or(0);
        let peak = now
            .iter()
            .copied()
            .chain(before.hours.iter().map(|sum| mean(*sum)))
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
        let usual = mean(before.by_now);
        Self {
            hours: now
                .iter()
                .zip(&before.hours)
                .enumerate()
                .map(hour)
                .collect(),
            today: grouped(total),
            compared: compared(total, usual, days),
            summary: format!(
                "Requests by hour: {} today, {} usual by now",
                grouped(total),
                grouped(usual)
            ),
            known: days > 0,
            of: String::new(),
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
        let mut before = Before {
            by_now: 140,
            days: 7,
            ..Before::default()
        };
        (now[9], before.hours[9], before.hours[15]) = (50, 140, 700);
        let usual = Usual::of(&now, &before, 9);
        assert_eq!(usual.hours[9].usual, "20");
        assert_eq!(usual.hours[15].usual_y, Some(0));
        assert_eq!(usual.hours[9].today_height, 46);
        assert_eq!(usual.compared, "150% more than usual by now (20)");
    }
}
