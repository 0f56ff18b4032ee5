//! `admintrail token`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::server_or_folder::ask;
use super::{Global, Outcome, output};
use crate::control_socket::{Ask, TokenShown};

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it, this once
    Create(CreateArgs),
    /// List the tokens, without their secrets
    List {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Refuse a token from now on
    Revoke(RevokeArgs),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct RevokeArgs {
    /// Which
    #[arg(value_name = "NAME")]
    which: Option<String>,
    /// The same, as a flag
    #[arg(long)]
    name: Option<String>,
}

#[derive(Args)]
pub(super) struct CreateArgs {
    /// A name to know it by
    #[arg(long)]
    name: String,
    /// What it may do
    #[arg(long, value_parser = ["read", "ingest"])]
    scope: String,
    /// Only this panel; may be repeated [default: every panel]
    #[arg(long = "panel", value_name = "PANEL")]
    panels: Vec<String>,
}

pub(super) fn run(global: &Global, command: TokenCommand) -> Outcome {
    let mut out = output::stdout();
    match command {
        TokenCommand::Create(CreateArgs {
            name,
            scope,
            panels,
        }) => {
            let made: Value = ask(
                global,
                Ask::CreateToken {
                    name,
                    scope,
                    panels,
                },
            )?;
            let strangers = made.get("no_such_panels").and_then(Value::as_array);
            for panel in strangers.into_iter().flatten().filter_map(Value::as_str) {
                output::say(&format!(
                    "Warning: no panel {panel} is configured; the token is made all the same, \
                     `admintrail token revoke` takes it back"
                ));
            }
            writeln!(
                out,
                "{}",
                made.get("token")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            )?;
        }
        TokenCommand::List { json } => {
            let tokens: Vec<TokenShown> = ask(global, Ask::Tokens)?;
            if json {
                output::json(&mut out, &tokens)?;
            } else {
                let rows: Vec<Vec<String>> = tokens.into_iter().map(row).collect();
                output::table(
                    &mut out,
                    &["NAME", "SCOPE", "STATE", "LAST USED", "PANELS"],
                    &rows,
                )?;
            }
        }
        TokenCommand::Revoke(RevokeArgs { which, name }) => {
            let name = which.or(name).unwrap_or_default();
            ask::<Value>(global, Ask::RevokeToken { name }).map(drop)?;
        }
    }
    Ok(out.flush()?)
}

fn row(token: TokenShown) -> Vec<String> {
    let state = token
        .revoked
        .map_or_else(|| "live".to_owned(), |at| format!("revoked {at}"));
    let panels = if token.panels.is_empty() {
        "every panel".to_owned()
    } else {
        token.panels.join(", ")
    };
    vec![
        token.name,
        token.scope,
        state,
        token.last_used.unwrap_or_else(|| "never".to_owned()),
        panels,
    ]
}
