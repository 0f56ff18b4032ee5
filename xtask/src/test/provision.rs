//! What the tests need and a fresh machine lacks, installed as the project's files say.

mod real_panels;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{apt_install, cargo, find, has, root, run, target_dir};

/// What the Rust tests need beside Rust: a C compiler for the bundled SQLite, Go and its `sumdb` that
/// the ledger is held against, and Python for the mail server that alerts are sent to.
pub fn for_tests() -> Result<()> {
    if !has("cc") {
        apt_install(&["build-essential"])?;
    }
    // Sources without a module, so that nothing is fetched when they are compiled.
    let sumdb = Path::new("/usr/share/gocode/src/golang.org/x/mod/sumdb");
    if !has("go") || !sumdb.is_dir() {
        apt_install(&["golang-go", "golang-golang-x-mod-dev"])?;
    }
    python()
}

/// The version of cargo-deny that is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

/// `cargo-deny`, beside what else is built. Returns where it is.
pub fn for_licences() -> Result<PathBuf> {
    if let Some(known) = find("cargo-deny") {
        return Ok(known);
    }
    let tools = target_dir().join("tools");
    let built = tools.join("bin/cargo-deny");
    if !built.is_file() {
        // Unoptimised: it reads one lock file and is built once.
        run(cargo()
            .args(["install", "cargo-deny", "--locked", "--debug", "--quiet"])
            .args(["--version", CARGO_DENY])
            .arg("--root")
            .arg(&tools))?;
    }
    Ok(built)
}

/// Chromium, Django in a virtual environment, and the packages of `e2e/package-lock.json`.
/// Returns where the browser is.
pub fn for_browser() -> Result<PathBuf> {
    let browser = browser()?;
    python()?;
    javascript()?;
    real_panels::install();
    Ok(browser)
}

fn browser() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM") {
        return Ok(PathBuf::from(chosen));
    }
    let known = || {
        ["chromium", "google-chrome", "chromium-browser"]
            .into_iter()
            .find_map(find)
    };
    if known().is_none() {
        apt_install(&["chromium"])?;
    }
    known().context("no Chromium found; install one and set CHROMIUM to its path")
}

fn python() -> Result<()> {
    let e2e = root().join("e2e");
    let venv = e2e.join(".venv");
    let wanted = std::fs::read(e2e.join("requirements.txt"))?;
    let stamp = venv.join("installed.txt");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if !has("python3") {
        apt_install(&["python3", "python3-venv"])?;
    }
    let create = || {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv))
    };
    // Debian ships venv apart from python3 and says so only when it is used.
    if create().is_err() {
        apt_install(&["python3-venv"])?;
        create()?;
    }
    run(Command::new(venv.join("bin/pip"))
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(e2e.join("requirements.txt")))?;
    std::fs::write(stamp, wanted).context("could not note what was installed")
}

fn javascript() -> Result<()> {
    if !has("npm") {
        bail!("the browser tests need Node.js 20 or newer with npm: install it, then run again");
    }
    npm_ci(&root().join("e2e"))
}

/// Installs what a folder's `package-lock.json` says, unless it is there.
fn npm_ci(folder: &Path) -> Result<()> {
    let wanted = std::fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(folder))?;
    std::fs::write(stamp, wanted).context("could not note what was installed")
}
