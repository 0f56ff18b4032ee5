//! `admintrail config`

use std::io::Write;

use clap::Subcommand;
use serde_json::json;

use super::{Global, Outcome, environment, host_name, output};
use crate::anchors;
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Report every mistake at once, with file and line
    Check,
    /// Print each value and where it came from
    Show {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(global: &Global, command: ConfigCommand) -> Outcome {
    let config = Config::load(&global.flags(), &environment, &host_name())?;
    let mut out = output::stdout();
    match command {
        ConfigCommand::Check => {
            let panels = config.panels.len();
            let noun = if panels == 1 { "panel" } else { "panels" };
            output::say(&format!("The configuration is good: {panels} {noun}."));
            for sentence in anchors::advice(&config, &[]) {
                output::say(&format!("{sentence}."));
            }
        }
        ConfigCommand::Show { json: true } => {
            let values: Vec<_> = config
                .shown
                .iter()
                .map(|shown| json!({"key": shown.key, "value": shown.value, "from": shown.origin.to_string()}))
                .collect();
            output::json(&mut out, &values)?;
        }
        ConfigCommand::Show { json: false } => {
            let rows: Vec<Vec<String>> = config
                .shown
                .iter()
                .map(|shown| {
                    vec![
                        shown.key.clone(),
                        shown.value.clone(),
                        shown.origin.to_string(),
                    ]
                })
                .collect();
            output::table(&mut out, &["KEY", "VALUE", "FROM"], &rows)?;
        }
    }
    Ok(out.flush()?)
}
