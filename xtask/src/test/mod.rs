//! The whole test run: provision, format, lints, tests, doc tests, browser tests, one closing line.

mod count;
mod provision;
mod rooms;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell::{cargo, has, root, target_dir};
use count::Count;

#[derive(Args)]
pub struct Options {
    /// Leave the browser tests out (they are counted as one skipped).
    #[arg(long)]
    no_browser: bool,
}

/// One part of the run: what it is called and what it does.
type Step<'a> = (&'a str, Box<dyn Fn() -> Result<Count> + 'a>);

/// Runs every step even if one fails, so that one run tells everything.
pub fn run(options: &Options) -> Result<()> {
    let steps: Vec<Step<'_>> = vec![
        ("formatting", Box::new(formatting)),
        ("rooms and arrows", Box::new(rooms::check)),
        ("lints", Box::new(lints)),
        ("licences", Box::new(licences)),
        ("tests", Box::new(tests)),
        ("doc tests", Box::new(doc_tests)),
        ("browser tests", Box::new(|| browser_tests(options))),
    ];
    let mut total = Count::default();
    for (name, step) in steps {
        println!("── {name}");
        let started = Instant::now();
        let count = step().unwrap_or_else(|error| {
            println!("{name} failed: {error:#}");
            Count::failed(1)
        });
        println!(
            "── {name}: {count} in {:.0} s\n",
            started.elapsed().as_secs_f64()
        );
        total += count;
    }
    println!("{total}");
    if total.failed > 0 {
        bail!("the test run failed");
    }
    Ok(())
}

fn formatting() -> Result<Count> {
    run_cargo(&["fmt", "--all", "--check"])
}

fn lints() -> Result<Count> {
    run_cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ])
}

fn licences() -> Result<Count> {
    let deny = provision::for_licences()?;
    crate::shell::run(
        Command::new(deny)
            .args(["check", "licenses", "bans", "sources"])
            .current_dir(root()),
    )?;
    Ok(Count::passed(1))
}

fn doc_tests() -> Result<Count> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--doc"]);
    counted(&mut command)
}

fn tests() -> Result<Count> {
    provision::for_tests()?;
    let mut command = cargo();
    if has("cargo-nextest") {
        command.args([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--status-level",
            "fail",
        ]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    // What is set up now is not to be skipped.
    counted(command.env("ADMINTRAIL_TEST_ALL", "1"))
}

fn browser_tests(options: &Options) -> Result<Count> {
    if options.no_browser {
        println!("skipped: --no-browser");
        return Ok(Count::skipped(1));
    }
    let chromium = provision::for_browser()?;
    crate::shell::run(cargo().args(["build", "--package", "admintrail"]))?;
    let preview = [
        "build",
        "--package",
        "admintrail-web",
        "--example",
        "preview",
    ];
    crate::shell::run(cargo().args(preview))?;
    let pack = [
        "build",
        "--package",
        "admintrail-ledger",
        "--example",
        "proof_pack",
    ];
    crate::shell::run(cargo().args(pack))?;
    let e2e = root().join("e2e");
    let report = e2e.join("artifacts/report.json");
    let _ = std::fs::remove_file(&report);
    let status = Command::new("npx")
        .args(["--no-install", "playwright", "test"])
        .current_dir(&e2e)
        .env("ADMINTRAIL_BIN", target_dir().join("debug/admintrail"))
        .env(
            "ADMINTRAIL_PREVIEW",
            target_dir().join("debug/examples/preview"),
        )
        .env(
            "ADMINTRAIL_PACK",
            target_dir().join("debug/examples/proof_pack"),
        )
        .env("CHROMIUM", chromium)
        .stdin(Stdio::null())
        .status()
        .context("could not start npx")?;
    let count = count::of_playwright(&report)?;
    if !status.success() && count.failed == 0 {
        bail!("the browser tests ended with {status}");
    }
    Ok(count)
}

/// A command that is one check: it holds or it does not.
fn run_cargo(arguments: &[&str]) -> Result<Count> {
    crate::shell::run(cargo().args(arguments))?;
    Ok(Count::passed(1))
}

/// Runs a test runner, shows what it says as it says it, and counts what it ran.
fn counted(command: &mut Command) -> Result<Count> {
    let shown = format!("{command:?}");
    let (reader, writer) = std::io::pipe()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("could not start {shown}"))?;
    // The command keeps the writing ends of the pipe; without them gone the reader never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut count = Count::default();
    for line in BufReader::new(reader).lines() {
        let line = line?;
        println!("{line}");
        count += count::of_line(&line);
    }
    let status = child.wait()?;
    if !status.success() && count.failed == 0 {
        bail!("{shown} ended with {status}");
    }
    Ok(count)
}
