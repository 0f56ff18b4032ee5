//! A table of bars: our figure, what it is held against, and the ratio.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::shell::root;

/// How a figure meets its bar.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    /// No bar: told for orientation.
    None,
    /// Ours divided by the other must be at least this.
    RatioAtLeast(f64),
    /// Ours must be at most the other.
    AtMost,
    /// Ours must be at least the other.
    AtLeast,
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    pub what: String,
    pub unit: &'static str,
    pub ours: f64,
    pub other: f64,
    /// What the other figure is: "nginx", "limit", "one writer".
    pub against: &'static str,
    pub bar: Bar,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.other
    }

    fn shown_ratio(&self) -> String {
        let ratio = self.ratio();
        match ratio.is_finite() {
            true if ratio < 0.01 => format!("{ratio:.4}"),
            true => format!("{ratio:.2}"),
            false => "–".to_owned(),
        }
    }

    fn verdict(&self) -> &'static str {
        if !self.ours.is_finite() {
            return "n/a";
        }
        let met = match self.bar {
            Bar::None => return "–",
            Bar::RatioAtLeast(least) => self.ratio() >= least,
            Bar::AtMost => self.ours <= self.other,
            Bar::AtLeast => self.ours >= self.other,
        };
        if met { "met" } else { "MISSED" }
    }

    fn bar(&self) -> String {
        match self.bar {
            Bar::None => "–".to_owned(),
            Bar::RatioAtLeast(least) => format!("≥ {least} × {}", self.against),
            Bar::AtMost => format!("≤ {} {}", number(self.other), self.unit),
            Bar::AtLeast => format!("≥ {} {}", number(self.other), self.unit),
        }
    }
}

/// The figures of one part, with what they were measured on.
#[derive(Debug)]
pub struct Report {
    pub title: String,
    pub command: String,
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Report {
    pub fn new(title: impl Into<String>, command: &str) -> Self {
        Self {
            title: title.into(),
            command: command.to_owned(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub fn row(
        &mut self,
        what: impl Into<String>,
        unit: &'static str,
        ours: f64,
        (against, other): (&'static str, f64),
        bar: Bar,
    ) {
        self.rows.push(Row {
            what: what.into(),
            unit,
            ours,
            other,
            against,
            bar,
        });
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Replaces this part's section in docs/PERFORMANCE.md, or adds it.
    pub fn write(&self) -> Result<()> {
        let file = root().join("docs/PERFORMANCE.md");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let begin = format!("<!-- begin {} -->", self.title);
        let end = format!("<!-- end {} -->", self.title);
        let section = format!("{begin}\n{self}\n{end}\n");
        let kept = match (text.find(&begin), text.find(&end)) {
            (Some(from), Some(to)) => {
                let before = text.get(..from).unwrap_or_default();
                let after = text.get(to + end.len()..).unwrap_or_default().trim_start();
                format!("{before}{section}\n{after}")
            }
            _ => format!("{}\n\n{section}", text.trim_end()),
        };
        std::fs::write(&file, kept.trim_end().to_owned() + "\n")
            .with_context(|| format!("could not write {}", file.display()))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n", self.title)?;
        writeln!(f, "{} · {} · `{}`\n", date(), machine(), self.command)?;
        writeln!(f, "| what | ours | held against | ratio | bar | |")?;
        writeln!(f, "|---|---:|---:|---:|---|---|")?;
        for row in &self.rows {
            writeln!(
                f,
                "| {} | {} {unit} | {} {} {unit} | {} | {} | {} |",
                row.what,
                number(row.ours),
                row.against,
                number(row.other),
                row.shown_ratio(),
                row.bar(),
                row.verdict(),
                unit = row.unit,
            )?;
        }
        for note in &self.notes {
            write!(f, "\n{note}\n")?;
        }
        Ok(())
    }
}

/// Three digits that matter, thousands apart.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    grouped(&format!("{value:.0}"))
}

/// A whole number, thousands apart.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && c != '-' {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn date() -> String {
    crate::shell::output(std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]))
        .map_or_else(|_| "undated".to_owned(), |text| text.trim().to_owned())
}

fn machine() -> String {
    let read = |file: &str| std::fs::read_to_string(PathBuf::from(file)).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let cpu = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        })
        .to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores, {cpu}")
}
