//! How long events are kept: `[retention]`, and `retention_days` of a panel.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use admintrail_store::Retention;

use super::origin::Origin;
use super::panel::Panel;
use super::section::Section;

/// From a day to a century.
const DAYS: RangeInclusive<u64> = 1..=36_500;

/// Reads `[retention]`: the days of every panel that says nothing itself.
pub(super) fn read(top: &mut Section<'_>) -> u32 {
    let found = top.table("retention").and_then(|mut section| {
        let days = days(&mut section, "days");
        section.finish();
        days
    });
    found.unwrap_or_else(|| {
        let days = Retention::default().days;
        top.show("retention.days", days, Origin::Default);
        days
    })
}

/// What a panel says, if it says something.
pub(super) fn of_panel(section: &mut Section<'_>, all: u32) -> Option<u32> {
    let found = days(section, "retention_days");
    if found.is_none() {
        section.show("retention_days", all, Origin::Default);
    }
    found
}

fn days(section: &mut Section<'_>, key: &'static str) -> Option<u32> {
    let found = section.parsed(key, |text| {
        let days = text.parse().ok().filter(|days| DAYS.contains(days));
        days.ok_or_else(|| {
            format!(
                "{text:?} is not a whole number of days from {} to {}",
                DAYS.start(),
                DAYS.end()
            )
        })
    });
    found.and_then(|(days, _)| u32::try_from(days).ok())
}

/// What the trail is told.
pub(super) fn together(days: u32, panels: &[Panel]) -> Retention {
    let of_panel = |panel: &Panel| Some((panel.rules.panel.clone(), panel.retention_days?));
    let panels: BTreeMap<_, _> = panels.iter().filter_map(of_panel).collect();
    Retention { days, panels }
}
