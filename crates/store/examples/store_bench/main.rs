//! What the trail does in a second, and how long it thinks: one JSON line a figure.
//!
//! `store_bench measure` measures in a temporary folder. `append DIR`, `single DIR` and `ask DIR` are
//! parts of it, for profilers and for a process of their own; so are `ledger-folder DIR` and
//! `verify DIR TIMES` of `ledger DIR`. `store_bench fill DIR N` fills a data
//! folder with N events for measurements over HTTP, and says how fast that went; `sizes DIR` tells
//! what they weigh; `table FILE N` and `ndjson FILE N` write the same events for others to load.

mod append;
mod ask;
mod files;
mod fill;
mod ledger;
mod load;
mod sizes;

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_event::Micros;
use admintrail_store::{Trail, TrailOptions};
use fill::Fill;
use load::Load;

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure"] => measure(500_000),
        ["measure", events] => measure(events.parse()?),
        ["append", dir] => append::batches(Path::new(dir)),
        ["ledger", dir] => ledger::measure(Path::new(dir)),
        ["ledger-folder", dir] => ledger::prepare(Path::new(dir)),
        ["verify", dir, times] => ledger::verify_again(Path::new(dir), times.parse()?),
        ["ask", dir] => ask::questions(Path::new(dir)),
        ["single", dir] => single(Path::new(dir)),
        ["fill", dir, rest @ ..] => Fill {
            dir: Path::new(dir).to_path_buf(),
            load: Load::parse(rest)?,
        }
        .run(),
        ["sizes", dir] => sizes::print(Path::new(dir)),
        ["table", file, rest @ ..] => files::table(Path::new(file), &Load::parse(rest)?),
        ["ndjson", file, rest @ ..] => files::ndjson(Path::new(file), &Load::parse(rest)?),
        ["generate", rest @ ..] => {
            fill::generate(&Load::parse(rest)?);
            Ok(())
        }
        _ => Err(
            "usage: store_bench measure [EVENTS] | append DIR | single DIR | ask DIR | ledger DIR \
                  | ledger-folder DIR | verify DIR TIMES | sizes DIR | (fill DIR | table FILE | ndjson FILE | generate) EVENTS \
                  [--late PER_MILLE] [--every MICROSECONDS] [--ending MICROSECONDS]"
                .into(),
        ),
    }
}

fn clock() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn open(dir: &Path) -> Result<Trail, Error> {
    Ok(Trail::open(TrailOptions::new(
        dir.to_path_buf(),
        Arc::new(clock),
    ))?)
}

#[expect(clippy::print_stdout, reason = "figures are what this prints")]
fn figure(name: &str, value: f64) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.3}}}");
}

fn measure(count: usize) -> Result<(), Error> {
    let root = tempfile::tempdir()?;
    let data = root.path().join("data");
    append::batches(&root.path().join("batches"))?;
    single(root.path())?;
    // Filled by a process of its own, so that the memory measured here is that of a server.
    let filled = std::process::Command::new(std::env::current_exe()?)
        .arg("fill")
        .arg(&data)
        .arg(count.to_string())
        .status()?;
    if !filled.success() {
        return Err("could not fill".into());
    }
    let asked = std::process::Command::new(std::env::current_exe()?)
        .arg("ask")
        .arg(&data)
        .status()?;
    if asked.success() {
        Ok(())
    } else {
        Err("could not ask".into())
    }
}

fn single(dir: &Path) -> Result<(), Error> {
    append::single_writers(&dir.join("one"), 1, "append_one_writer")?;
    append::single_writers(&dir.join("many"), 64, "append_64_writers")
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn float(count: u64) -> f64 {
    count as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
