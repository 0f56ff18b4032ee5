//! `admintrail erase`

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::account::read_password;
use super::server_or_folder::{Begins, Door, taken};
use super::{Failure, Global, Outcome, output};
use crate::control_socket::{Ask, ErasureShown, TracesShown, events};
use crate::erasing::{LEFT_OPEN, has_openings};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct EraseArgs {
    #[command(subcommand)]
    command: Option<EraseCommand>,
    /// Whom: the whole id, as `query` and the pages show it
    #[arg(long, value_name = "ID", required = true)]
    admin: Option<String>,
    /// Why; kept for owners to read, sealed in the ledger
    #[arg(long, value_name = "TEXT", required = true)]
    reason: Option<String>,
    /// On whose word: an owner's e-mail [default: the one owner, else whoever asks]
    #[arg(long, value_name = "E-MAIL")]
    by: Option<String>,
    /// Read that owner's password from standard input; wanted where there are two owners or more
    #[arg(long, requires = "by")]
    password_stdin: bool,
    /// Do not ask whether it is meant
    #[arg(long)]
    yes: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum EraseCommand {
    /// List who asked for what, and what came of it
    List {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Agree, as a second owner, to what another one asked for
    Approve {
        /// The number of the request, as `erase list` shows it
        #[arg(value_name = "ID")]
        id: i64,
        /// The owner who agrees
        #[arg(long, value_name = "E-MAIL")]
        by: String,
        /// Read that owner's password from standard input: the shell alone does not prove who it is
        #[arg(long, required = true)]
        password_stdin: bool,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take a request back that waits for another owner
    Withdraw {
        /// The number of the request
        #[arg(value_name = "ID")]
        id: i64,
        /// On whose word: an owner's e-mail [default: the one owner, else whoever asks]
        #[arg(long, value_name = "E-MAIL")]
        by: Option<String>,
        /// Read that owner's password from standard input; wanted where there are two owners or more
        #[arg(long, requires = "by")]
        password_stdin: bool,
    },
}

pub(super) fn run(global: &Global, args: EraseArgs) -> Outcome {
    let dir = global.data_folder()?;
    match args.command {
        None => {
            let asked = Asked {
                admin: args.admin.unwrap_or_default(),
                reason: args.reason.unwrap_or_default(),
                by: args.by,
                password: password(args.password_stdin)?,
            };
            erase(global, &dir, asked, args.yes, args.json)
        }
        Some(EraseCommand::List { json }) => list(global, &dir, json),
        Some(EraseCommand::Approve {
            id,
            by,
            password_stdin: _,
            json,
        }) => {
            let password = read_password()?;
            let mut door = open(global, &dir)?;
            let approved = door.ask(Ask::ApproveErasure { id, by, password });
            finish(door, &dir, approved.and_then(taken), json)
        }
        Some(EraseCommand::Withdraw {
            id,
            by,
            password_stdin,
        }) => {
            let password = password(password_stdin)?;
            let mut door = Door::open(global, &dir, Begins::No)?;
            let withdrawn = door.ask(Ask::WithdrawErasure { id, by, password });
            door.close();
            let withdrawn: ErasureShown = taken(withdrawn?)?;
            output::say(&format!(
                "request {} is taken back; nothing was changed",
                withdrawn.id
            ));
            Ok(())
        }
    }
}

struct Asked {
    admin: String,
    reason: String,
    by: Option<String>,
    password: Option<String>,
}

fn password(stdin: bool) -> Result<Option<String>, Failure> {
    Ok(if stdin { Some(read_password()?) } else { None })
}

fn erase(global: &Global, dir: &Path, asked: Asked, yes: bool, json: bool) -> Outcome {
    let Asked {
        admin,
        reason,
        by,
        password,
    } = asked;
    let mut door = open(global, dir)?;
    let traces = door.ask(Ask::Traces {
        admin,
        by: by.clone(),
    });
    // Nobody waits for a folder while somebody thinks.
    door.close();
    let traces: TracesShown = taken(traces?)?;
    tell(&traces);
    if !yes {
        if !io::stdin().is_terminal() {
            return Err(Failure::Usage(
                "nobody can be asked here whether this is meant; say so with --yes".to_owned(),
            ));
        }
        if !is_meant()? {
            output::say("nothing was changed");
            return Err(Failure::Said);
        }
    }
    let mut door = open(global, dir)?;
    let asked = door.ask(Ask::Erase {
        admin: traces.admin,
        reason,
        by,
        password,
    });
    finish(door, dir, asked.and_then(taken), json)
}

/// A folder whose journal has to be read first is not for us.
fn open(global: &Global, dir: &Path) -> Result<Door, Failure> {
    let door = Door::open(global, dir, Begins::No)?;
    if matches!(door, Door::Folder(_)) && has_openings(dir) {
        door.close();
        let journal = dir.join("journal");
        return Err(Failure::Failed(anyhow!(
            "{}: {LEFT_OPEN}",
            journal.display()
        )));
    }
    Ok(door)
}

fn tell(traces: &TracesShown) {
    let found = match (&traces.first, &traces.last) {
        (Some(first), Some(last)) => format!(
            "{} on {}, from {first} to {last}",
            events(traces.events),
            traces.panels.join(", ")
        ),
        _ => "no event; sessions, tokens or an account are known".to_owned(),
    };
    output::say(&format!(
        "{}: {found}\nErasing this person cannot be undone. Backups, exports, mails and webhooks of before \
         keep the name, and so does the history of your shell.",
        traces.admin
    ));
    if traces.needs_approval {
        output::say("Another owner has to approve it before anything is changed.");
    }
}

fn is_meant() -> io::Result<bool> {
    let mut ask = io::stderr().lock();
    write!(ask, "Erase? [y/N] ")?;
    ask.flush()?;
    drop(ask);
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// Waits for what is approved, and says what came of it.
fn finish(mut door: Door, dir: &Path, asked: Result<ErasureShown, Failure>, json: bool) -> Outcome {
    let done = asked.and_then(|asked| {
        if asked.state == "waiting" {
            return Ok(asked);
        }
        let bar = bar();
        let shown = bar.clone();
        let followed = door.follow_erasure(dir, asked.id, move |done, of| {
            shown.set_length(of.max(1));
            // Each part of the work counts for itself at first.
            shown.set_position(done.max(shown.position()));
        });
        bar.finish_and_clear();
        followed?;
        let all: Vec<ErasureShown> = taken(door.ask(Ask::Erasures)?)?;
        let one = all.into_iter().find(|one| one.id == asked.id);
        Ok(one.ok_or_else(|| anyhow!("the request is gone"))?)
    });
    door.close();
    let one = done?;
    let mut out = output::stdout();
    if json {
        output::json(&mut out, &one)?;
    } else {
        writeln!(out, "{}", one.pseudonym)?;
    }
    out.flush()?;
    match one.state.as_str() {
        "waiting" => output::say(&format!(
            "request {id} waits for another owner: Settings → Erasure, or admintrail erase approve {id} \
             --by E-MAIL --password-stdin",
            id = one.id
        )),
        "done" => output::say(&said(&one)),
        _ => {
            let cause = one
                .failing
                .unwrap_or_else(|| "it is not done yet".to_owned());
            return Err(Failure::Failed(anyhow!(
                "{cause}; the server tries again every minute, and admintrail erase list says how it stands"
            )));
        }
    }
    Ok(())
}

fn said(one: &ErasureShown) -> String {
    let events = events(one.events.unwrap_or(0));
    match one.entry {
        Some(entry) => format!(
            "{events} rewritten; entry {entry} of the ledger says so, and admintrail verify prints it"
        ),
        None if one.events.unwrap_or(0) > 0 => {
            format!("{events} rewritten, all of them older than the ledger")
        }
        None => "no event was on record; sessions, tokens and accounts are cleared".to_owned(),
    }
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:32} {percent} %, {eta} left");
    ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn list(global: &Global, dir: &Path, json: bool) -> Outcome {
    let mut door = Door::open(global, dir, Begins::No)?;
    let all = door.ask(Ask::Erasures);
    door.close();
    let all: Vec<ErasureShown> = taken(all?)?;
    let mut out = output::stdout();
    if json {
        output::json(&mut out, &all)?;
    } else {
        let head = [
            "ID",
            "STATE",
            "WHO",
            "EVENTS",
            "ASKED FOR BY",
            "APPROVED BY",
            "AT",
            "REASON",
        ];
        let rows: Vec<Vec<String>> = all.into_iter().map(row).collect();
        output::table(&mut out, &head, &rows)?;
    }
    Ok(out.flush()?)
}

fn row(one: ErasureShown) -> Vec<String> {
    let state = match (&one.failing, one.progress) {
        (Some(_), _) => "failing".to_owned(),
        (None, Some((done, of))) if of > 0 => format!("{} %", done.saturating_mul(100) / of),
        _ => one.state,
    };
    vec![
        one.id.to_string(),
        state,
        one.admin.unwrap_or(one.pseudonym),
        one.events
            .map_or_else(String::new, |events| events.to_string()),
        one.requested_by,
        one.approved_by.unwrap_or_default(),
        one.ended_at.unwrap_or(one.requested_at),
        one.reason,
    ]
}
