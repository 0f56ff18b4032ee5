//! `admintrail preset`

use std::io::Write;
use std::path::{Path, PathBuf};

use admintrail_event::{
    Filter, Micros, NamelessRoute, PanelName, Preset, PresetError, Survey, Surveyed,
};
use admintrail_store::View;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, Global, Outcome, output, query, server_or_folder};

/// Longest file that is read.
const MAX_FILE: u64 = 4 << 20;

#[derive(Subcommand)]
pub(super) enum PresetCommand {
    /// Show which recorded routes a preset has no action line for, and suggest lines
    ///
    /// What is printed is TOML: whatever is no suggestion stands behind #, so that all of it, or
    /// any [[route]] in it, can be put at the end of the file.
    Test(TestArgs),
}

#[derive(Args)]
pub(super) struct TestArgs {
    /// The preset: a TOML file, or the name of a built-in one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only what was recorded of this panel (default: of all of them)
    #[arg(long, value_name = "NAME")]
    panel: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(global: &Global, command: &PresetCommand) -> Outcome {
    let PresetCommand::Test(args) = command;
    let preset = read(&args.file)?;
    let panel = args.panel.as_deref().map(panel).transpose()?;
    let dir = global.data_folder()?;
    let trail = query::open(&dir)?;
    let filter = panel.as_ref().map_or_else(
        || format!("-panel:{}", PanelName::own()),
        |panel| format!("panel:{panel}"),
    );
    let view = View {
        filter: Filter::parse(&filter).map_err(anyhow::Error::from)?,
        ..View::default()
    };
    let mut survey = Survey::new(&preset);
    let queries = survey.asks_queries();
    trail.requests(&view, queries, |requests| survey.add(requests))?;
    let found = survey.finish();
    server_or_folder::note_look(global, &dir, "preset/test", &filter);
    if found.requests + found.assets + found.refused == 0 {
        output::say(&match &panel {
            Some(panel) => format!("Nothing is recorded of {panel} yet."),
            None => "Nothing is recorded yet.".to_owned(),
        });
    }
    let mut out = output::stdout();
    if args.json {
        output::json(&mut out, &Shown::of(&found, &preset))?;
    } else {
        report(&mut out, &found, &preset)?;
    }
    Ok(out.flush()?)
}

fn panel(name: &str) -> Result<PanelName, Failure> {
    name.trim()
        .parse()
        .map_err(|error| Failure::Usage(format!("--panel: {error}")))
}

/// The preset of a file; else a built-in one of this name.
fn read(path: &Path) -> Result<Preset, Failure> {
    let cannot = |cause: &dyn std::fmt::Display| {
        Failure::Usage(format!("{} cannot be read: {cause}", path.display()))
    };
    let text = match std::fs::metadata(path) {
        Ok(file) if file.len() > MAX_FILE => return Err(cannot(&"it is too large for a preset")),
        Ok(_) => std::fs::read_to_string(path).map_err(|error| cannot(&error))?,
        Err(error) => {
            let built_in = path.to_str().and_then(Preset::built_in);
            return built_in
                .map(|preset| Preset::clone(&preset))
                .ok_or_else(|| cannot(&error));
        }
    };
    Preset::parse(&text).map_err(|error| Failure::Usage(pointed(path, &text, &error)))
}

/// A mistake with the line that it is in.
fn pointed(path: &Path, text: &str, error: &PresetError) -> String {
    let Some(line) = error.line else {
        return format!("{}: {error}", path.display());
    };
    let said = error.message.strip_prefix(&format!("line {line}: "));
    let said = said.unwrap_or(&error.message);
    let source = text.lines().nth(line - 1).unwrap_or_default();
    let margin = " ".repeat(line.to_string().len());
    format!(
        "{}:{line}: {said}\n  {line} | {source}\n  {margin} | {}",
        path.display(),
        "^".repeat(source.trim_end().chars().count().max(1))
    )
}

fn report(out: &mut impl Write, found: &Surveyed, preset: &Preset) -> std::io::Result<()> {
    for line in summary(found) {
        writeln!(out, "# {line}")?;
    }
    if !found.routes.is_empty() {
        let rows: Vec<Vec<String>> = found.routes.iter().map(row).collect();
        let head = ["REQUESTS", "LAST", "METHOD", "ROUTE", "EXAMPLE"];
        let mut table = Vec::new();
        output::table(&mut table, &head, &rows)?;
        writeln!(out, "#")?;
        for line in String::from_utf8_lossy(&table).lines() {
            writeln!(out, "#   {line}")?;
        }
    }
    let unused = found.unused(preset);
    if !unused.is_empty() {
        writeln!(out, "#\n# Lines of the preset that never matched:")?;
        for line in unused {
            let at = line.at.unwrap_or_default();
            let written = admintrail_event::encode_text(line.written);
            writeln!(out, "#   line {at}: {written}")?;
        }
    }
    for suggestion in found.suggestions() {
        write!(out, "\n{suggestion}")?;
    }
    Ok(())
}

fn summary(found: &Surveyed) -> Vec<String> {
    let requests = |count: u64| match count {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    };
    let mut lines = vec![match found.percent() {
        None => "No request on record needs a line.".to_owned(),
        Some(percent) => format!(
            "{percent:.1} % of {} are covered: {} by a line of the preset or its rules for sign-in.",
            requests(found.requests),
            found.covered
        ),
    }];
    if !found.routes.is_empty() {
        let routes = match found.routes.len() {
            1 => "1 route has no line".to_owned(),
            count => format!("{count} routes have no line"),
        };
        lines.push(format!("{routes}, the most frequent first."));
    }
    for (count, why) in [
        (found.assets, "for styles, scripts, images and fonts"),
        (
            found.refused,
            "on routes that the panel does not have or showed to nobody",
        ),
    ] {
        if count > 0 {
            lines.push(format!("Left out: {} {why}.", requests(count)));
        }
    }
    if found.beyond > 0 {
        let more = requests(found.beyond);
        lines.push(format!("More without a line than are listed: {more}."));
    }
    lines
}

fn row(route: &NamelessRoute) -> Vec<String> {
    vec![
        route.count.to_string(),
        seconds(route.last),
        route.method.clone(),
        route.route.clone(),
        route.example.clone(),
    ]
}

/// A moment for people: `2026-11-24T03:12:44Z`.
fn seconds(at: Micros) -> String {
    let exact = at.to_string();
    exact
        .split_once('.')
        .map_or_else(|| exact.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// What programs get.
#[derive(Serialize)]
struct Shown<'a> {
    requests: u64,
    covered: u64,
    percent: Option<f64>,
    assets: u64,
    refused: u64,
    beyond: u64,
    routes: Vec<RouteShown<'a>>,
    unused_lines: Vec<LineShown<'a>>,
    /// All suggestions in the order in which they are to be pasted.
    toml: String,
}

#[derive(Serialize)]
struct RouteShown<'a> {
    method: &'a str,
    route: &'a str,
    count: u64,
    last: String,
    example: &'a str,
    r#match: &'a str,
    action: &'a str,
    object: Option<&'a str>,
    toml: String,
}

#[derive(Serialize)]
struct LineShown<'a> {
    line: Option<usize>,
    r#match: &'a str,
}

impl<'a> Shown<'a> {
    fn of(found: &'a Surveyed, preset: &'a Preset) -> Self {
        let route = |route: &'a NamelessRoute| RouteShown {
            method: &route.method,
            route: &route.route,
            count: route.count,
            last: route.last.to_string(),
            example: &route.example,
            r#match: &route.suggestion.r#match,
            action: &route.suggestion.action,
            object: route.suggestion.object.as_deref(),
            toml: route.suggestion.to_string(),
        };
        let unused = found.unused(preset).into_iter();
        Self {
            requests: found.requests,
            covered: found.covered,
            percent: found.percent(),
            assets: found.assets,
            refused: found.refused,
            beyond: found.beyond,
            routes: found.routes.iter().map(route).collect(),
            unused_lines: unused
                .map(|line| LineShown {
                    line: line.at,
                    r#match: line.written,
                })
                .collect(),
            toml: found.suggestions().map(|one| format!("\n{one}")).collect(),
        }
    }
}
