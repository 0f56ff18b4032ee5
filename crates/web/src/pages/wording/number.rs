//! Numbers, sizes and spans of time as people read them.

use admintrail_store::{Relation, Total};

pub(crate) use crate::thousands::grouped;

/// What is said of a number with a `+`.
pub(crate) const AT_LEAST: &str = "At least so many: not everything was counted yet";

/// `41,208`; `41,208+` where not everything was counted.
pub(crate) fn total(total: Total) -> String {
    some(total.value, total.relation == Relation::AtLeast)
}

/// `12`; `12+` where there may be more.
pub(crate) fn some(n: u64, may_be_more: bool) -> String {
    let plus = if may_be_more { "+" } else { "" };
    format!("{}{plus}", grouped(n))
}

/// `1 request`, `2 requests`
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// How long a request took: `9 ms`, `1.8 s`, `12.4 s`, `3 min 5 s`.
pub(crate) fn took(us: u64) -> String {
    let ms = us / 1_000;
    if us < 1_000 {
        "< 1 ms".to_owned()
    } else if ms < 1_000 {
        format!("{ms} ms")
    } else if ms < 60_000 {
        format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
    } else {
        lasted(us)
    }
}

/// How long something went on, to two units: `45 s`, `12 min`, `1 h 40 min`, `3 d 2 h`.
pub(crate) fn lasted(us: u64) -> String {
    let s = us / 1_000_000;
    let two = |big: u64, big_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{big} {big_unit}")
        } else {
            format!("{big} {big_unit} {small} {small_unit}")
        }
    };
    match s {
        0 => "under 1 s".to_owned(),
        1..60 => format!("{s} s"),
        60..600 => two(s / 60, "min", s % 60, "s"),
        600..3_600 => format!("{} min", s / 60),
        3_600..86_400 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// `87 B`, `12.4 KB`, `3.1 MB` (powers of 1,000).
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if n < 1_000 {
        return format!("{n} B");
    }
    let mut scaled = n;
    let mut unit = "B";
    let mut tenth = 0;
    for name in UNITS {
        if scaled < 1_000 {
            break;
        }
        tenth = scaled % 1_000 / 100;
        scaled /= 1_000;
        unit = name;
    }
    if scaled < 100 {
        format!("{scaled}.{tenth} {unit}")
    } else {
        format!("{} {unit}", grouped(scaled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_use_the_units_a_person_would() {
        assert_eq!(took(400), "< 1 ms");
        assert_eq!(took(9_300), "9 ms");
        assert_eq!(took(999_900), "999 ms");
        assert_eq!(took(1_830_000), "1.8 s");
        assert_eq!(took(2_501_000), "2.5 s");
        assert_eq!(took(12_440_000), "12.4 s");
        assert_eq!(took(185_000_000), "3 min 5 s");
        assert_eq!(lasted(6_000_000_000), "1 h 40 min");
        assert_eq!(lasted(266_400_000_000), "3 d 2 h");
        assert_eq!(lasted(3_600_000_000), "1 h");
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        assert_eq!(bytes(87), "87 B");
        assert_eq!(bytes(12_440), "12.4 KB");
        assert_eq!(bytes(3_100_000), "3.1 MB");
        assert_eq!(bytes(312_000), "312 KB");
    }
}
