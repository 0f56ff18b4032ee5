//! Millions of events in a data folder, asked over HTTP, beside peers that hold the same ones.

mod client;
mod folder;
mod peers;
mod questions;
mod rows;
mod server;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use super::figures::Figures;
use super::report::Report;
use folder::Filled;
use peers::{Kind, Peer};
use questions::{Common, Question, Scale};
use rows::{Answer, Measured};
use server::{Asked, Running};

#[derive(Args)]
pub struct LoadedOptions {
    /// With `store --events`: the same events in MariaDB and PostgreSQL, in the same run
    #[arg(long)]
    peers: bool,
    /// With `store --events`: the same events in the ClickHouse engine (PyPI `chdb`)
    #[arg(long)]
    chdb: bool,
    /// The most events that a peer gets; MariaDB never gets more than 1,000,000
    #[arg(long, value_name = "N")]
    peer_events: Option<u64>,
    /// With `store --events`: of a thousand events, those that come hours late
    #[arg(long, value_name = "PER_MILLE", default_value_t = 0)]
    late: u32,
    /// With `store --events`: fills this data folder and keeps it; a filled one is asked as it is
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub fn measure(options: &super::Options, events: u64) -> Result<Report> {
    let mine = &options.loaded;
    let dir = tempfile::tempdir_in(crate::shell::target_dir())?;
    let data = match &mine.folder {
        Some(folder) => std::path::absolute(folder)?,
        None => dir.path().join("data"),
    };
    let filled = Filled::at(data, events, mine.late)?;
    let sizes = filled.sizes()?;
    let (import, imported) = folder::import(dir.path(), filled.scale)?;
    let single = Figures::of_store_bench(&["single".as_ref(), dir.path().as_os_str()])?;

    let mut peers = start_peers(mine, &filled, dir.path())?;
    let running = Running::serve(&filled, options.rounds)?;
    let questions = questions::all(events, &running.places(filled.scale)?);
    let mut answers = Vec::new();
    for question in &questions {
        answers.push(ask_all(
            question,
            &running,
            &mut peers,
            filled.scale,
            options.rounds,
        )?);
    }
    let measured = Measured {
        filled: &filled,
        sizes: &sizes,
        import: (import, imported),
        single: single.get("append_64_writers"),
        answers: questions.iter().zip(&answers).collect(),
        memory: running.memory_mib()?,
        ready_ms: running.ready_ms,
        peers: &peers,
    };
    measured.report(&command(mine, events))
}

fn command(mine: &LoadedOptions, events: u64) -> String {
    let mut command = format!("cargo xtask bench store --events {events}");
    for (given, word) in [(mine.peers, " --peers"), (mine.chdb, " --chdb")] {
        command.push_str(if given { word } else { "" });
    }
    if let Some(most) = mine.peer_events {
        command.push_str(&format!(" --peer-events {most}"));
    }
    if mine.late > 0 {
        command.push_str(&format!(" --late {}", mine.late));
    }
    command
}

fn start_peers(mine: &LoadedOptions, filled: &Filled, dir: &std::path::Path) -> Result<Vec<Peer>> {
    let mut kinds = Vec::new();
    if mine.peers {
        kinds.extend([Kind::PostgreSql, Kind::MariaDb]);
    }
    if mine.chdb {
        kinds.push(Kind::ClickHouse);
    }
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let python = client::python(mine.chdb)?;
    let events = filled
        .scale
        .events
        .min(mine.peer_events.unwrap_or(u64::MAX));
    let file = dir.join("events.tsv");
    filled.write_table(&file, events)?;
    let peers = kinds
        .into_iter()
        .map(|kind| peers::start(kind, &python, &file, events))
        .collect();
    std::fs::remove_file(&file)?;
    peers
}

/// How often a search that found nothing yet is asked to go on.
const MOST_TRIES: usize = 200;

/// Once each without counting, then in turns.
fn ask_all(
    question: &Question,
    running: &Running,
    peers: &mut [Peer],
    scale: Scale,
    rounds: usize,
) -> Result<Answer> {
    let mut answer = Answer {
        ours: Asked::default(),
        theirs: peers.iter().map(|_| Asked::default()).collect(),
    };
    let mut connection = running.connect()?;
    let finds = question.common.is_none_or(Common::finds);
    // A search whose time is over goes on when it is asked again, as the page does.
    let mut found = server::found(&mut connection, &question.path)?;
    for _ in 0..MOST_TRIES {
        if (found > 0) == finds {
            break;
        }
        found = server::found(&mut connection, &question.path)?;
    }
    ensure!(
        (found > 0) == finds,
        "{} answers with {found} rows",
        question.path
    );
    for round in 0..=rounds {
        let (seconds, most) = if round == 0 { (0.0, 1) } else { (0.4, 100) };
        let times = server::ask(&mut connection, &question.path, seconds, most)?;
        if round > 0 {
            answer.ours.add(times);
        }
        let Some(common) = question.common else {
            continue;
        };
        for (peer, asked) in peers.iter_mut().zip(&mut answer.theirs) {
            let scale = Scale {
                events: peer.loaded.rows,
                ..scale
            };
            let sql = common.sql(peer.kind, scale);
            let times = peer.client.ask(&sql, seconds, most)?;
            ensure!(
                (times.rows > 0) == common.finds(),
                "{} answers {sql:?} with {} rows",
                peer.kind.name(),
                times.rows
            );
            if round > 0 {
                asked.add(times.ms);
            }
        }
    }
    if question.common.is_none() {
        answer.theirs.clear();
    }
    Ok(answer)
}
