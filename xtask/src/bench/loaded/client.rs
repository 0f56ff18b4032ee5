//! The open connection to a peer: a small Python program that takes orders as JSON lines.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::stack;
use crate::shell::{apt_install, has, run, target_dir};

const PROGRAM: &str = include_str!("peer.py");

/// What PyPI knows the drivers as, and what Python imports.
const DRIVERS: [(&str, &str); 2] = [
    ("psycopg2-binary==2.9.13", "psycopg2"),
    ("PyMySQL==1.2.4", "pymysql"),
];
const ENGINE: (&str, &str) = ("chdb==4.4.0", "chdb");

/// An interpreter with the drivers, under the target folder.
pub(super) fn python(with_engine: bool) -> Result<PathBuf> {
    let folder = target_dir().join("bench-venv");
    let python = folder.join("bin/python");
    if !python.is_file() {
        if !has("python3") {
            apt_install(&["python3", "python3-venv"])?;
        }
        let venv = || {
            let mut command = Command::new("python3");
            run(command.args(["-m", "venv"]).arg(&folder))
        };
        // Debian ships the module without what it needs.
        venv().or_else(|_| apt_install(&["python3-venv"]).and_then(|()| venv()))?;
    }
    for (package, module) in DRIVERS.into_iter().chain(with_engine.then_some(ENGINE)) {
        let import = format!("import {module}");
        let there = Command::new(&python)
            .args(["-c", &import])
            .stderr(Stdio::null())
            .status()?;
        if !there.success() {
            run(Command::new(&python)
                .args(["-m", "pip", "install", "--quiet"])
                .args(["--disable-pip-version-check", package]))?;
        }
    }
    Ok(python)
}

/// What a peer did with the events.
#[derive(Debug, Deserialize)]
pub(super) struct Loaded {
    pub(super) seconds: f64,
    pub(super) rows: u64,
    /// With all indices.
    pub(super) bytes: f64,
    pub(super) bytes_without_ids: Option<f64>,
}

/// Times of one question.
#[derive(Debug, Deserialize)]
pub(super) struct Times {
    pub(super) ms: Vec<f64>,
    /// What the last statement found.
    pub(super) rows: u64,
}

pub(super) struct Client {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Client {
    /// `kind` and `place` as the program takes them.
    pub(super) fn start(python: &PathBuf, kind: &str, place: &str) -> Result<Self> {
        let mut child = Command::new(python)
            .args(["-c", PROGRAM, kind, place])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("could not start python")?;
        let answers = child.stdout.take().context("no output of python")?;
        Ok(Self {
            orders: child.stdin.take(),
            answers: BufReader::new(answers),
            child,
        })
    }

    pub(super) fn load(&mut self, file: &std::path::Path, rows: u64) -> Result<Loaded> {
        self.order(&json!({"do": "load", "file": file, "rows": rows}))
    }

    /// As often as fits into the seconds, but at most so often, and once in any case.
    pub(super) fn ask(&mut self, sql: &[String], seconds: f64, most: usize) -> Result<Times> {
        self.order(&json!({"do": "ask", "sql": sql, "seconds": seconds, "most": most}))
    }

    /// Resident memory of the program in MiB, with the engine where that is inside: the most ever.
    pub(super) fn memory_mib(&self) -> Result<f64> {
        stack::memory_mib(self.child.id()).map(|(_, most)| most)
    }

    fn order<A: DeserializeOwned>(&mut self, order: &Value) -> Result<A> {
        let orders = self.orders.as_mut().context("the peer has ended")?;
        writeln!(orders, "{order}")?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            bail!("the peer ended over {order}");
        }
        serde_json::from_str(&answer).with_context(|| format!("the peer answered {answer:?}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Ends with its input, and closes its connection then.
        self.orders = None;
        for _ in 0..100 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
