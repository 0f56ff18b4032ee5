//! `admintrail account`

use std::io::{self, Read, Write};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::server_or_folder::ask;
use super::{Failure, Global, Outcome, output};
use crate::control_socket::{AccountShown, Ask};

#[derive(Subcommand)]
pub(super) enum AccountCommand {
    /// Make an account; without a password it prints a link with which the person sets one
    Add(AddArgs),
    /// List the accounts
    List {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Keep somebody from signing in, and end their sessions
    Disable(Whose),
    /// Print a link with which the person sets a new password
    ResetPassword(Whose),
}

/// The account's e-mail, with or without the flag.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Whose {
    /// E-mail, for signing in
    #[arg(value_name = "E-MAIL")]
    whose: Option<String>,
    /// The same, as a flag
    #[arg(long, value_name = "E-MAIL")]
    email: Option<String>,
}

impl Whose {
    fn email(self) -> String {
        self.whose.or(self.email).unwrap_or_default()
    }
}

#[derive(Args)]
pub(super) struct AddArgs {
    #[command(flatten)]
    whose: Whose,
    /// What the person may do
    #[arg(long, value_parser = ["owner", "auditor", "viewer"])]
    role: String,
    /// Name to show [default: the e-mail]
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

pub(super) fn run(global: &Global, command: AccountCommand) -> Outcome {
    let mut out = output::stdout();
    match command {
        AccountCommand::Add(AddArgs {
            whose,
            role,
            name,
            password_stdin,
        }) => {
            let password = if password_stdin {
                Some(read_password()?)
            } else {
                None
            };
            let made: Value = ask(
                global,
                Ask::AddAccount {
                    email: whose.email(),
                    name,
                    role,
                    password,
                },
            )?;
            print_link(&mut out, &made)?;
        }
        AccountCommand::List { json } => {
            let accounts: Vec<AccountShown> = ask(global, Ask::Accounts)?;
            if json {
                output::json(&mut out, &accounts)?;
            } else {
                let rows: Vec<Vec<String>> = accounts.into_iter().map(row).collect();
                output::table(
                    &mut out,
                    &["E-MAIL", "ROLE", "STATE", "LAST SIGN-IN", "NAME"],
                    &rows,
                )?;
            }
        }
        AccountCommand::Disable(whose) => {
            let email = whose.email();
            ask::<Value>(global, Ask::DisableAccount { email }).map(drop)?;
        }
        AccountCommand::ResetPassword(whose) => {
            let email = whose.email();
            let made: Value = ask(global, Ask::ResetPassword { email })?;
            print_link(&mut out, &made)?;
        }
    }
    Ok(out.flush()?)
}

fn print_link(out: &mut impl Write, made: &Value) -> io::Result<()> {
    if let Some(link) = made.get("link").and_then(Value::as_str) {
        output::say("This link sets the password. It works once, for 30 minutes:");
        writeln!(out, "{link}")?;
    }
    Ok(())
}

fn row(account: AccountShown) -> Vec<String> {
    let state = if account.disabled {
        "disabled"
    } else {
        "active"
    };
    let last = account.last_sign_in.unwrap_or_else(|| "never".to_owned());
    vec![
        account.email,
        account.role,
        state.to_owned(),
        last,
        account.name,
    ]
}

/// The first line; a line end belongs to the shell, not to the password.
pub(super) fn read_password() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin().take(4096).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::Usage(
            "standard input holds no password".to_owned(),
        ));
    }
    Ok(line.to_owned())
}
