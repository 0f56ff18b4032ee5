//! The rooms of the workspace and the arrows between them, held against `cargo metadata`.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::count::Count;
use crate::shell::{cargo, output};

/// Each room and the rooms it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("admintrail-event", &[]),
    ("admintrail-ledger", &["admintrail-event"]),
    (
        "admintrail-store",
        &["admintrail-event", "admintrail-ledger"],
    ),
    ("admintrail-capture", &["admintrail-event"]),
    (
        "admintrail-web",
        &[
            "admintrail-event",
            "admintrail-ledger",
            "admintrail-store",
            "admintrail-capture",
        ],
    ),
    (
        "admintrail",
        &[
            "admintrail-event",
            "admintrail-ledger",
            "admintrail-store",
            "admintrail-capture",
            "admintrail-web",
        ],
    ),
    ("xtask", &[]),
];

/// What may appear in one room only, so that its types cross no border.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["admintrail-store"]),
    ("arrow-array", &["admintrail-store"]),
    ("parquet", &["admintrail-store"]),
    ("ed25519-dalek", &["admintrail-ledger"]),
    ("zip", &["admintrail-ledger"]),
    ("axum", &["admintrail-web", "admintrail"]),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Compares what the manifests say with what the design allows.
pub fn check() -> Result<Count> {
    let text = output(cargo().args([
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--offline",
    ]))?;
    let metadata: Metadata = serde_json::from_str(&text).context("cargo metadata")?;
    let wrong = wrong_arrows(&metadata.packages);
    if !wrong.is_empty() {
        bail!("these arrows are not allowed:\n  {}", wrong.join("\n  "));
    }
    Ok(Count::passed(1))
}

fn wrong_arrows(packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages {
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == package.name) else {
            wrong.push(format!("{} is no room of ARCHITECTURE.md", package.name));
            continue;
        };
        // Tests may look into any room; what ships may not.
        let shipped = package
            .dependencies
            .iter()
            .filter(|d| d.kind.as_deref() != Some("dev"));
        for dependency in shipped {
            let own = dependency.path.is_some();
            if own && !allowed.contains(&dependency.name.as_str()) {
                wrong.push(format!("{} → {}", package.name, dependency.name));
            }
            let kept = KEPT_IN.iter().find(|(name, _)| *name == dependency.name);
            if kept.is_some_and(|(_, rooms)| !rooms.contains(&package.name.as_str())) {
                wrong.push(format!("{} → {}", package.name, dependency.name));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, uses: &[(&str, bool)]) -> Package {
        let dependencies = uses
            .iter()
            .map(|(name, own)| Dependency {
                name: (*name).to_owned(),
                kind: None,
                path: own.then(String::new),
            })
            .collect();
        Package {
            name: name.to_owned(),
            dependencies,
        }
    }

    #[test]
    fn an_arrow_that_points_upward_is_named() {
        let wrong = wrong_arrows(&[package("admintrail-event", &[("admintrail-store", true)])]);
        assert_eq!(wrong, ["admintrail-event → admintrail-store"]);
    }

    #[test]
    fn the_ledger_knows_events_alone() {
        let uses = [
            ("admintrail-event", true),
            ("admintrail-store", true),
            ("rusqlite", false),
        ];
        let wrong = wrong_arrows(&[package("admintrail-ledger", &uses)]);
        let expected = [
            "admintrail-ledger → admintrail-store",
            "admintrail-ledger → rusqlite",
        ];
        assert_eq!(wrong, expected);
    }

    #[test]
    fn the_database_stays_in_its_room() {
        let wrong = wrong_arrows(&[package("admintrail-web", &[("rusqlite", false)])]);
        assert_eq!(wrong, ["admintrail-web → rusqlite"]);
    }
}
