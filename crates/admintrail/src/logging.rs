//! Log lines: plain on a terminal, JSON where machines read them. Always to stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

/// Which lines are written: `ADMINTRAIL_LOG=debug`, `ADMINTRAIL_LOG=warn,admintrail=debug`.
const VARIABLE: &str = "ADMINTRAIL_LOG";

/// Starts logging for the process.
pub(crate) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let stderr = std::io::stderr;
    match format {
        LogFormat::Json => fmt()
            .with_env_filter(filter)
            .json()
            .with_writer(stderr)
            .init(),
        LogFormat::Text => {
            let colours = stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            fmt()
                .with_env_filter(filter)
                .with_target(false)
                .with_ansi(colours)
                .with_writer(stderr)
                .init();
        }
    }
}
