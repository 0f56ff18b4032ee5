//! Values that are more than text: statuses, durations, addresses; how they are read and written.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use crate::filter::ast::Range;

/// Statuses are three digits (RFC 9110 section 15).
const STATUS: Range = Range { min: 100, max: 999 };

/// Reads `404`, `4xx`, `400-404`, `>=500`, `<400`.
pub(super) fn status_range(text: &str) -> Option<Range> {
    if let [hundreds @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] = text.as_bytes() {
        let min = u64::from(hundreds - b'0') * 100;
        return Some(Range { min, max: min + 99 });
    }
    let range = bounded(text, |number| {
        let plain = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
        let status = number.parse().ok().filter(|_| plain)?;
        Some(Number {
            first: status,
            last: status,
        })
    })?;
    let range = Range {
        min: range.min,
        max: range.max.min(STATUS.max),
    };
    (range.min <= range.max && range.max >= STATUS.min).then_some(range)
}

/// Writes a range of statuses so that [`status_range`] reads the same.
pub(super) fn write_status(range: Range, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Range { min, max } = range;
    if min == max {
        write!(f, "{min}")
    } else if min.is_multiple_of(100) && max == min + 99 {
        write!(f, "{}xx", min / 100)
    } else if max >= STATUS.max && min >= STATUS.min {
        write!(f, ">={min}")
    } else if min < STATUS.min && max < STATUS.max {
        write!(f, "<{}", max + 1)
    } else if min < STATUS.min {
        write!(f, "<={}", STATUS.max)
    } else {
        write!(f, "{min}-{max}")
    }
}

/// Units of a duration in µs, and the digits after the point with which a step is still whole.
/// The coarsest first: a range is written with the first that fits.
const STEPS: &[(u64, &str, u32)] = &[
    (60_000_000, "m", 0),
    (1_000_000, "s", 0),
    (100_000, "s", 1),
    (10_000, "s", 2),
    (1_000, "ms", 0),
    (100, "ms", 1),
    (10, "ms", 2),
    (1, "us", 0),
];

/// Reads `>500ms`, `<2s`, `100ms-2s`. A plain `412ms` is what reads so when cut to that unit.
pub(super) fn duration_range(text: &str) -> Option<Range> {
    bounded(text, duration)
}

/// One duration: the µs from which it reads as the text, up to the last that does.
fn duration(text: &str) -> Option<Number> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit: u64 = match unit.to_lowercase().as_str() {
        // U+00B5 and U+03BC: both are written for micro; folding makes them one.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        _ => return None,
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(decimals) || number.ends_with('.') {
        return None;
    }
    let mut step = unit;
    let mut first = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    for digit in decimals.bytes() {
        if !step.is_multiple_of(10) {
            return None;
        }
        step /= 10;
        first = first.checked_add(u64::from(digit - b'0').checked_mul(step)?)?;
    }
    Some(Number {
        first,
        last: first.checked_add(step - 1)?,
    })
}

/// Writes a range of durations so that [`duration_range`] reads the same.
pub(super) fn write_duration(range: Range, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Range { min, max } = range;
    match (min, max) {
        (0, u64::MAX) => f.write_str(">=0us"),
        (1.., u64::MAX) => {
            // `>500ms` is stored as from 500,001 µs on: write the rounder of the two.
            if coarseness(min - 1) > coarseness(min) {
                f.write_str(">")?;
                write_micros(min - 1, f)
            } else {
                f.write_str(">=")?;
                write_micros(min, f)
            }
        }
        (0, max) => {
            if coarseness(max + 1) > coarseness(max) {
                f.write_str("<")?;
                write_micros(max + 1, f)
            } else {
                f.write_str("<=")?;
                write_micros(max, f)
            }
        }
        (min, max) => {
            let one = STEPS.iter().find(|(step, ..)| {
                min.is_multiple_of(*step) && min.checked_add(step - 1) == Some(max)
            });
            if let Some((step, unit, decimals)) = one {
                return write_decimal(min / step, unit, *decimals, f);
            }
            write_micros(min, f)?;
            f.write_str("-")?;
            write_micros(max, f)
        }
    }
}

fn coarseness(micros: u64) -> u64 {
    STEPS
        .iter()
        .find(|(step, ..)| micros.is_multiple_of(*step))
        .map_or(1, |(step, ..)| *step)
}

/// An exact number of µs in the largest unit that holds it whole.
fn write_micros(micros: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let whole = STEPS.iter().filter(|(.., decimals)| *decimals == 0);
    for (step, unit, _) in whole {
        if micros.is_multiple_of(*step) && (micros > 0 || *unit == "us") {
            return write!(f, "{}{unit}", micros / step);
        }
    }
    write!(f, "{micros}us")
}

fn write_decimal(steps: u64, unit: &str, decimals: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let scale = 10_u64.pow(decimals);
    let (whole, part) = (steps / scale, steps % scale);
    match decimals {
        0 => write!(f, "{whole}{unit}"),
        _ => write!(f, "{whole}.{part:0width$}{unit}", width = decimals as usize),
    }
}

/// A number as written: the smallest and the largest value that read so.
struct Number {
    first: u64,
    last: u64,
}

/// `>n`, `>=n`, `<n`, `<=n`, `a-b` or `n`; `None` also for what holds no value.
///
/// A bound means its first value: `>2s` is more than 2,000,000 µs, `1s-2s` ends there.
fn bounded(text: &str, number: impl Fn(&str) -> Option<Number>) -> Option<Range> {
    let exact = |text: &str| number(text.trim()).map(|n| n.first);
    let range = if let Some(rest) = text.strip_prefix(">=") {
        Range {
            min: exact(rest)?,
            max: u64::MAX,
        }
    } else if let Some(rest) = text.strip_prefix("<=") {
        Range {
            min: 0,
            max: exact(rest)?,
        }
    } else if let Some(rest) = text.strip_prefix('>') {
        Range {
            min: exact(rest)?.checked_add(1)?,
            max: u64::MAX,
        }
    } else if let Some(rest) = text.strip_prefix('<') {
        Range {
            min: 0,
            max: exact(rest)?.checked_sub(1)?,
        }
    } else if let Some((low, high)) = text.split_once('-').or_else(|| text.split_once("..")) {
        Range {
            min: exact(low)?,
            max: exact(high)?,
        }
    } else {
        let value = number(text)?;
        Range {
            min: value.first,
            max: value.last,
        }
    };
    (range.min <= range.max).then_some(range)
}

/// Reads an address or a network. IPv4 written as mapped IPv6 is IPv4; host bits are dropped.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let net = match text.split_once('/') {
        None => IpNet::from(text.parse::<IpAddr>().ok()?),
        Some((address, bits)) => {
            let plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
            let bits = bits.parse().ok().filter(|_| plain)?;
            IpNet::new(address.parse().ok()?, bits).ok()?
        }
    };
    if let IpNet::V6(v6) = net
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Some(bits) = v6.prefix_len().checked_sub(96)
    {
        return Some(IpNet::V4(Ipv4Net::new(v4, bits).ok()?.trunc()));
    }
    Some(net.trunc())
}

/// Writes a network; a single address without its length.
pub(super) fn write_network(net: &IpNet, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if net.prefix_len() == net.max_prefix_len() {
        write!(f, "{}", net.addr())
    } else {
        write!(f, "{net}")
    }
}

/// The network that `198.51.100.*` means, to offer it.
pub(super) fn network_of_wildcard(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let known: Vec<&str> = parts
        .iter()
        .copied()
        .take_while(|part| *part != "*")
        .collect();
    let octets = known.iter().all(|part| part.parse::<u8>().is_ok());
    let tail = parts.get(known.len()..)?;
    let starred = !tail.is_empty() && tail.iter().all(|part| *part == "*");
    if known.is_empty() || known.len() > 3 || parts.len() > 4 || !octets || !starred {
        return None;
    }
    let mut address: Vec<&str> = known.clone();
    address.resize(4, "0");
    Some(format!("{}/{}", address.join("."), known.len() * 8))
}
