//! Every bar as a command: our figure, the peer's or the limit's in the same run, and the ratio.
//!
//! Timings never decide whether a test passes; they are read by people. Rounds of ours and the
//! peer's alternate, and medians are compared, since machines are noisy.

mod faults;
mod figures;
mod http;
mod identity;
mod ledger;
mod loaded;
mod pages;
mod proxy;
mod report;
mod stack;
mod store;
mod stream;
mod wrk;

use anyhow::Result;
use clap::{Args, ValueEnum};

#[derive(Args)]
pub struct Options {
    /// What to measure; everything when none is named.
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Events that are loaded: for `pages` 500,000 unless said otherwise; `store` loads as many of
    /// a busy company's and asks over HTTP, instead of what a hot store does inside the process
    #[arg(long)]
    events: Option<u64>,
    #[command(flatten)]
    loaded: loaded::LoadedOptions,
    /// Also writes the figures into docs/PERFORMANCE.md.
    #[arg(long)]
    write: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Through the proxy, against nginx and the upstream alone.
    Proxy,
    /// One GiB each way, and how much memory that takes.
    Stream,
    /// Durable appends and queries inside the process.
    Store,
    /// Pages over HTTP with hot full, start and memory.
    Pages,
    /// Who makes a request, among 100,000 live sessions, and their weight.
    Identity,
    /// What the ledger costs, how fast it is verified, and a thousand random ways to tamper.
    Ledger,
    /// Ten thousand idle connections, and 500 rounds of `kill -9`.
    Faults,
}

impl Part {
    /// Whether nginx and wrk take part.
    const fn is_loaded_by_others(self) -> bool {
        !matches!(self, Self::Store | Self::Identity | Self::Ledger)
    }
}

pub fn run(options: &Options) -> Result<()> {
    let all = Part::value_variants();
    let parts = if options.parts.is_empty() {
        all
    } else {
        options.parts.as_slice()
    };
    stack::build()?;
    for part in parts {
        if part.is_loaded_by_others() {
            stack::install()?;
        }
        let report = match part {
            Part::Proxy => proxy::measure(options)?,
            Part::Stream => stream::measure()?,
            Part::Store => match options.events {
                Some(events) => loaded::measure(options, events)?,
                None => store::measure()?,
            },
            Part::Pages => pages::measure(options)?,
            Part::Identity => identity::measure()?,
            Part::Ledger => ledger::measure()?,
            Part::Faults => faults::measure()?,
        };
        println!("{report}");
        if options.write {
            report.write()?;
        }
    }
    Ok(())
}

/// The middle value; of an even number, the upper of the two middle ones.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
