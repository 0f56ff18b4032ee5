//! The view that a command asks for.

use admintrail_event::Filter;
use admintrail_store::View;
use clap::Args;
use jiff::tz::TimeZone;

use super::Failure;
use crate::clock;

/// Which events.
#[derive(Args)]
pub(super) struct ViewArgs {
    /// Filter words, e.g. 'admin:olena method:PUT,DELETE -is:polling'
    #[arg(
        value_name = "FILTER",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(super) filter: String,
    /// First moment: 2026-11-22T14:31, a date, or -15m, -24h, -7d, today, yesterday
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    from: Option<String>,
    /// First moment no more included
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    to: Option<String>,
}

impl ViewArgs {
    /// Reads filter and times; times without an offset are this machine's.
    pub(super) fn view(&self) -> Result<View, Failure> {
        let (now, zone) = (clock::now(), TimeZone::system());
        let moment = |name: &str, text: Option<&str>| {
            // Out of a variable that is not set, perhaps; everything is what nobody meant.
            if text.is_some_and(|text| text.trim().is_empty()) {
                return Err(Failure::Usage(format!(
                    "--{name}: is empty; write a moment such as -24h, or leave --{name} out"
                )));
            }
            admintrail_web::view_query::moment(name, text, &zone, now)
                .map_err(|error| Failure::Usage(format!("--{error}")))
        };
        let (from, to) = (
            moment("from", self.from.as_deref())?,
            moment("to", self.to.as_deref())?,
        );
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return Err(Failure::Usage(format!(
                "--from {from} is not before --to {to}"
            )));
        }
        Ok(View {
            filter: parse(&self.filter)?,
            from,
            to,
            ..View::default()
        })
    }
}

/// Reads a filter; a mistake is pointed at.
pub(super) fn parse(text: &str) -> Result<Filter, Failure> {
    Filter::parse(text).map_err(|error| {
        let before = text
            .get(..error.span.start)
            .unwrap_or_default()
            .chars()
            .count();
        let width = text
            .get(error.span.clone())
            .unwrap_or_default()
            .chars()
            .count()
            .max(1);
        Failure::Usage(format!(
            "{error}\n  {text}\n  {}{}",
            " ".repeat(before),
            "^".repeat(width)
        ))
    })
}
