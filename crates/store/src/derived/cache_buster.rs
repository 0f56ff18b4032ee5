//! Parameters that pages add to a query so that no cache answers it. They differ in every request
//! and ask for nothing, so they must not hide that a request is the same again.
//!
//! A name alone is no proof: `t=4711` may well be the record that somebody reads. The value has to
//! look made up for the moment, by a clock or at random.

use std::borrow::Cow;

use admintrail_event::Micros;

/// Names that nobody gives to anything else.
const CERTAIN: [&str; 9] = [
    "_",
    "__",
    "_t",
    "_ts",
    "_dc",
    "nocache",
    "no_cache",
    "cachebust",
    "cachebuster",
];
/// Names that may also stand for what is asked for; empty for a value without a name.
const LIKELY: [&str; 10] = [
    "",
    "t",
    "ts",
    "time",
    "timestamp",
    "r",
    "rnd",
    "rand",
    "random",
    "cb",
];
/// jQuery counts on from when the page was opened, and pages stay open for days.
const PAGE_OPEN: i64 = 30 * 86_400 * Micros::SECOND;
/// How far the clock of a browser may be off.
const CLOCK_OFF: i64 = 300 * Micros::SECOND;
/// Digits that make a fraction a random one.
const RANDOM_DIGITS: usize = 6;

/// The query of a request made at `now`, without such parameters.
pub(super) fn without(query: &str, now: Micros) -> Cow<'_, str> {
    let socket_io = query.contains("EIO=") && query.contains("transport=");
    let busts = |pair: &&str| busts(pair, now) || socket_io && pair.starts_with("t=");
    if !query.split('&').any(|pair| busts(&pair)) {
        return Cow::Borrowed(query);
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !busts(pair)).collect();
    Cow::Owned(kept.join("&"))
}

fn busts(pair: &str, now: Micros) -> bool {
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let named = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    if named(&CERTAIN) {
        is_random(value) || is_clock(value, now, PAGE_OPEN)
    } else if named(&LIKELY) {
        is_random(value) || is_clock(value, now, CLOCK_OFF)
    } else {
        false
    }
}

/// What `Math.random()` gives.
fn is_random(value: &str) -> bool {
    value.strip_prefix("0.").is_some_and(|digits| {
        digits.len() >= RANDOM_DIGITS && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Seconds, milliseconds or microseconds since 1970, up to `back` before now.
fn is_clock(value: &str, now: Micros, back: i64) -> bool {
    let unit = match value.len() {
        10 => Micros::SECOND,
        13 => 1_000,
        16 => 1,
        _ => return false,
    };
    if !value.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let Some(at) = value.parse::<i64>().ok().and_then(|n| n.checked_mul(unit)) else {
        return false;
    };
    (now.0.saturating_sub(back)..=now.0.saturating_add(CLOCK_OFF)).contains(&at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_700_000_000_000_000);

    #[test]
    fn what_no_cache_should_know_is_left_out() {
        for (query, left) in [
            ("_=1699999999123", ""),
            ("_=1698000000123&page=2", "page=2"),
            ("page=2&_dc=1700000000001", "page=2"),
            ("a=1&nocache=0.8374629384&b=2", "a=1&b=2"),
            ("t=1700000000", ""),
            ("1700000000123", ""),
            ("TS=1700000000123456", ""),
            (
                "EIO=4&transport=polling&t=OxYz12a&sid=9",
                "EIO=4&transport=polling&sid=9",
            ),
        ] {
            assert_eq!(without(query, NOW), left, "{query}");
        }
    }

    #[test]
    fn what_may_be_asked_for_stays() {
        for query in [
            "",
            "id=1700000000123",
            "t=4711",
            "_=4711",
            "t=OxYz12a",
            // A record's own moment, not that of the request.
            "timestamp=1699990000",
            "_=1600000000000",
            "_=1700009999999",
            "r=0.5",
            "4711",
            "t=17000000001٣",
        ] {
            assert_eq!(without(query, NOW), query);
        }
    }
}
