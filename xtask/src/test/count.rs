//! How many tests ran, read off what the runners print.

use std::fmt;
use std::ops::AddAssign;
use std::path::Path;

use anyhow::{Context, Result};

/// Tests by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Count {
    pub fn passed(passed: u64) -> Self {
        Self {
            passed,
            ..Self::default()
        }
    }

    pub fn failed(failed: u64) -> Self {
        Self {
            failed,
            ..Self::default()
        }
    }

    pub fn skipped(skipped: u64) -> Self {
        Self {
            skipped,
            ..Self::default()
        }
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// What a closing line of cargo test or nextest counts; any other line counts nothing.
pub fn of_line(line: &str) -> Count {
    let plain = without_colour(line);
    let text = plain.trim();
    let is_closing = text.starts_with("test result:")
        || (text.starts_with("Summary") && text.contains("tests run:"))
        || (text.starts_with("Summary") && text.contains("test run:"));
    if !is_closing {
        return Count::default();
    }
    Count {
        passed: number_before(text, "passed"),
        failed: number_before(text, "failed") + number_before(text, "timed out"),
        skipped: number_before(text, "skipped") + number_before(text, "ignored"),
    }
}

/// The number in front of a word, 0 if the word is not there.
fn number_before(text: &str, word: &str) -> u64 {
    let Some(at) = text.find(&format!(" {word}")) else {
        return 0;
    };
    let digits: String = text
        .get(..at)
        .unwrap_or("")
        .chars()
        .rev()
        .take_while(char::is_ascii_digit)
        .collect();
    digits
        .chars()
        .rev()
        .collect::<String>()
        .parse()
        .unwrap_or(0)
}

/// The text without the escape sequences that runners colour it with.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain
}

/// What Playwright's JSON report counts. A test that passed only when repeated has failed.
pub fn of_playwright(report: &Path) -> Result<Count> {
    let text = std::fs::read_to_string(report)
        .with_context(|| format!("the browser tests left no report at {}", report.display()))?;
    let report: serde_json::Value = serde_json::from_str(&text)?;
    let stat = |name: &str| {
        report
            .pointer(&format!("/stats/{name}"))
            .and_then(|v| v.as_u64())
    };
    Ok(Count {
        passed: stat("expected").unwrap_or(0),
        failed: stat("unexpected").unwrap_or(0) + stat("flaky").unwrap_or(0),
        skipped: stat("skipped").unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_both_runners_are_counted() {
        let cargo = "test result: ok. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            of_line(cargo),
            Count {
                passed: 12,
                failed: 1,
                skipped: 2
            }
        );
        let nextest = "     Summary [   1.2s] 15 tests run: 13 passed, 2 failed, 3 skipped";
        assert_eq!(
            of_line(nextest),
            Count {
                passed: 13,
                failed: 2,
                skipped: 3
            }
        );
        let slow = "Summary [  61.0s] 3 tests run: 2 passed (1 slow), 1 timed out, 0 skipped";
        assert_eq!(
            of_line(slow),
            Count {
                passed: 2,
                failed: 1,
                skipped: 0
            }
        );
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [ 0.1s] \u{1b}[1m1\u{1b}[0m test run: \
                        \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        assert_eq!(of_line(coloured), Count::passed(1));
        assert_eq!(of_line("running 5 tests"), Count::default());
    }
}
