//! What `store_bench` measures in a process of its own.

use std::collections::HashMap;
use std::ffi::OsStr;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::shell::{cargo, output};

#[derive(Deserialize)]
struct Figure {
    name: String,
    value: f64,
}

/// Figures by name; one that was not measured is not a number.
#[derive(Debug, Default)]
pub struct Figures(HashMap<String, f64>);

impl Figures {
    /// One JSON line a figure; other lines are for people.
    pub fn read(text: &str) -> Result<Self> {
        let figures = text
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str::<Figure>(line).map(|f| (f.name, f.value)))
            .collect::<Result<_, _>>()
            .context("the benchmark printed something else than figures")?;
        Ok(Self(figures))
    }

    /// Of `store_bench` with these arguments, built for release.
    pub fn of_store_bench<A: AsRef<OsStr>>(arguments: &[A]) -> Result<Self> {
        Self::read(&Self::text_of_store_bench(arguments)?)
    }

    /// What `store_bench` prints, to be kept.
    pub fn text_of_store_bench<A: AsRef<OsStr>>(arguments: &[A]) -> Result<String> {
        let mut command = cargo();
        command
            .args(["run", "--quiet", "--release"])
            .args([
                "--package",
                "admintrail-store",
                "--example",
                "store_bench",
                "--",
            ])
            .args(arguments);
        output(&mut command)
    }

    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(f64::NAN)
    }

    /// Those whose name begins so, with the rest of it, the largest first.
    pub fn beginning(&self, beginning: &str) -> Vec<(&str, f64)> {
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(beginning)?, *value)))
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }
}
