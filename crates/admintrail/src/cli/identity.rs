//! `admintrail identity`

use std::io::{Read, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::server_or_folder::ask;
use super::{Failure, Global, Outcome, output};
use crate::control_socket::{Ask, IdentityKey, IdentityShown};

/// Longest token that is read.
const MAX_TOKEN: u64 = 16 * 1024;

#[derive(Subcommand)]
pub(super) enum IdentityCommand {
    /// Say whose an API token or a basic user of a panel is, from now on
    ///
    /// Events name the admin where the panel accepts the token. Earlier events stay as they are.
    Map(MapArgs),
    /// List whose tokens and basic users are
    List {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Name nobody for a token or basic user any more
    Unmap(UnmapArgs),
}

#[derive(Args)]
pub(super) struct MapArgs {
    /// The panel
    #[arg(long)]
    panel: String,
    /// Whose it is: the admin's id in events
    #[arg(long)]
    admin: String,
    /// The name to show
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Args)]
pub(super) struct UnmapArgs {
    /// The panel
    #[arg(long)]
    panel: String,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct KeyArgs {
    /// The token, as events show it: the 32 hexadecimal digits of their session, or the first 8
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Read the token itself from the input; only its keyed hash is kept
    #[arg(long)]
    token_stdin: bool,
    /// A user of HTTP basic authentication, exactly as the panel writes it
    #[arg(long, value_name = "USER")]
    basic_user: Option<String>,
}

impl KeyArgs {
    fn read(self) -> Result<IdentityKey, Failure> {
        if let Some(fingerprint) = self.fingerprint {
            return Ok(IdentityKey::Fingerprint(fingerprint));
        }
        if let Some(user) = self.basic_user {
            return Ok(IdentityKey::Basic(user));
        }
        let mut token = String::new();
        std::io::stdin()
            .lock()
            .take(MAX_TOKEN + 1)
            .read_to_string(&mut token)?;
        if token.len() as u64 > MAX_TOKEN {
            return Err(Failure::Usage(format!(
                "the token on standard input is longer than {MAX_TOKEN} bytes; send the token alone"
            )));
        }
        Ok(IdentityKey::Token(token))
    }
}

pub(super) fn run(global: &Global, command: IdentityCommand) -> Outcome {
    let mut out = output::stdout();
    match command {
        IdentityCommand::Map(args) => {
            let question = Ask::MapIdentity {
                panel: args.panel,
                admin: args.admin,
                name: args.name,
                key: args.key.read()?,
            };
            let made: Value = ask(global, question)?;
            let strangers = made.get("no_such_panels").and_then(Value::as_array);
            for panel in strangers.into_iter().flatten().filter_map(Value::as_str) {
                output::say(&format!(
                    "Warning: no panel {panel} is configured; it is kept all the same, \
                     `admintrail identity unmap` takes it back"
                ));
            }
            let fingerprint = made.get("fingerprint").and_then(Value::as_str);
            writeln!(out, "{}", fingerprint.unwrap_or_default())?;
        }
        IdentityCommand::List { json } => {
            let all: Vec<IdentityShown> = ask(global, Ask::Identities)?;
            if json {
                output::json(&mut out, &all)?;
            } else {
                let rows: Vec<Vec<String>> = all.into_iter().map(row).collect();
                output::table(
                    &mut out,
                    &["PANEL", "TOKEN OR USER", "ADMIN", "NAME", "SINCE"],
                    &rows,
                )?;
            }
        }
        IdentityCommand::Unmap(args) => {
            let key = args.key.read()?;
            ask::<Value>(
                global,
                Ask::UnmapIdentity {
                    panel: args.panel,
                    key,
                },
            )
            .map(drop)?;
        }
    }
    Ok(out.flush()?)
}

fn row(one: IdentityShown) -> Vec<String> {
    let known_by = match (one.basic_user, one.fingerprint) {
        (Some(user), _) => format!("user {user}"),
        (None, Some(fingerprint)) => fingerprint,
        (None, None) => "a token by its SHA-256".to_owned(),
    };
    vec![
        one.panel,
        known_by,
        one.admin,
        one.name.unwrap_or_default(),
        one.since.unwrap_or_else(|| "configuration".to_owned()),
    ]
}
