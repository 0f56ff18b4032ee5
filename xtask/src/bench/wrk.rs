//! Load by wrk, and what it measured.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::output;

/// What one run of wrk measured.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub requests_per_s: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// Answers other than 2xx and 3xx, and socket errors.
    pub errors: f64,
}

/// How to load.
pub struct Plan<'a> {
    pub url: String,
    pub connections: u32,
    pub seconds: u32,
    pub headers: &'a [String],
    /// A Lua script, for methods with a body.
    pub script: Option<&'a Path>,
}

pub fn run(plan: &Plan<'_>) -> Result<Load> {
    let threads = plan.connections.min(2);
    let mut command = Command::new("wrk");
    command
        .arg("--latency")
        .arg(format!("-t{threads}"))
        .arg(format!("-c{}", plan.connections))
        .arg(format!("-d{}s", plan.seconds));
    for header in plan.headers {
        command.arg("-H").arg(header);
    }
    if let Some(script) = plan.script {
        command.arg("-s").arg(script);
    }
    let text = output(command.arg(&plan.url))?;
    parse(&text).with_context(|| format!("wrk printed\n{text}"))
}

fn parse(text: &str) -> Option<Load> {
    let value_after = |label: &str| {
        text.lines().find_map(|line| {
            line.trim()
                .strip_prefix(label)
                .map(|rest| rest.trim().to_owned())
        })
    };
    let mut errors = 0.0;
    if let Some(rest) = value_after("Non-2xx or 3xx responses:") {
        errors += rest.parse::<f64>().ok()?;
    }
    if let Some(rest) = value_after("Socket errors:") {
        errors += rest
            .split([',', ' '])
            .filter_map(|word| word.parse::<f64>().ok())
            .sum::<f64>();
    }
    Some(Load {
        requests_per_s: value_after("Requests/sec:")?.parse().ok()?,
        p50_us: micros(&value_after("50%")?)?,
        p99_us: micros(&value_after("99%")?)?,
        errors,
    })
}

fn micros(text: &str) -> Option<f64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|value| value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_units_become_microseconds() {
        let text = "  Latency Distribution\n     50%    1.50ms\n     75%    2.00ms\n     99%  812.00us\n\
                    Non-2xx or 3xx responses: 3\nRequests/sec:  20123.50\n";
        let load = parse(text).unwrap();
        assert!((load.p50_us - 1500.0).abs() < 1e-9);
        assert!((load.p99_us - 812.0).abs() < 1e-9);
        assert!((load.errors - 3.0).abs() < 1e-9);
        assert!((load.requests_per_s - 20123.5).abs() < 1e-9);
    }
}
