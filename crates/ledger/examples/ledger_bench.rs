//! How many events a second one thread takes from fields to the root of a block.
//!
//! `cargo run --release -p admintrail-ledger --example ledger_bench [EVENTS]`
//!
//! Each line is the best of many passes over the same events of the deterministic workload; the
//! ratio is to hashing the same canonical bytes and nothing else, in the same run. By default the
//! events fit into the caches, as those of a block do that was just read.

#![allow(
    clippy::print_stdout,
    reason = "a benchmark speaks to whoever started it"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use admintrail_event::testing::{accepted, workload};
use admintrail_event::{CanonicalFields, Event, LogId, Seq};
use admintrail_ledger::{
    BlockKey, EventHasher, Hash, LedgerError, MAX_BLOCK_EVENTS, OpenBlock, TileWriter,
};
use sha2::{Digest, Sha256};

/// What a block of one second holds here: a busy node.
const BLOCK: usize = 1_000;

/// Of which the best counts.
const PASSES: usize = 100;

fn main() -> Result<(), LedgerError> {
    let wanted = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let count = wanted.unwrap_or(5_000);
    let events: Vec<Event> = workload(1, count)
        .zip(1..)
        .map(|(draft, seq)| accepted(draft, LogId([0xab; 16]), seq))
        .collect();
    let canonical: Vec<Vec<u8>> = events
        .iter()
        .map(|event| CanonicalFields::from(event).to_bytes())
        .collect();
    let bytes: usize = canonical.iter().map(Vec::len).sum();
    println!(
        "{count} events, {} canonical bytes each, blocks of {BLOCK} (at most {MAX_BLOCK_EVENTS})",
        bytes / count.max(1)
    );
    let plain = best(|| {
        for bytes in &canonical {
            black_box(Sha256::digest(bytes));
        }
        Ok(())
    })?;
    let line = |name: &str, took: Duration| {
        let rate = count as f64 / took.as_secs_f64();
        let ratio = took.as_secs_f64() / plain.as_secs_f64();
        println!("{name:<34} {:>7.2} M events/s   × {ratio:.2}", rate / 1e6);
    };
    line("SHA-256 of the bytes alone", plain);
    let mut out = Vec::new();
    let took = best(|| {
        for event in &events {
            out.clear();
            CanonicalFields::from(event).write(&mut out);
            black_box(&out);
        }
        Ok(())
    })?;
    line("canonical bytes", took);
    let key = BlockKey::new(&[7; 32]);
    let took = best(|| {
        for event in &events {
            black_box(key.salt(event.seq));
        }
        Ok(())
    })?;
    line("salts", took);
    let took = best(|| whole(&events).map(|roots| drop(black_box(roots))))?;
    line("bytes, salts, hashes, block roots", took);
    let took = best(|| {
        let mut writer = TileWriter::new();
        for event in &events {
            let _ = writer.append(&event.seq.0.to_be_bytes())?;
        }
        black_box(writer.files());
        Ok(())
    })?;
    line("entries into tiles", took);
    Ok(())
}

/// All of what a verification does to an event.
fn whole(events: &[Event]) -> Result<Vec<Hash>, LedgerError> {
    let mut hasher = EventHasher::new();
    let mut roots = Vec::new();
    for block in events.chunks(BLOCK) {
        let key = BlockKey::new(&[7; 32]);
        let first = block.first().map_or(Seq(1), |event| event.seq);
        let mut open = OpenBlock::new(first);
        for event in block {
            let fields = CanonicalFields::from(event);
            let hash = hasher.hash(key.salt(event.seq), &fields);
            open.push(event.seq, event.received, hash)?;
        }
        roots.push(open.close()?.root());
    }
    Ok(roots)
}

fn best(mut pass: impl FnMut() -> Result<(), LedgerError>) -> Result<Duration, LedgerError> {
    let mut best = Duration::MAX;
    for _ in 0..PASSES {
        let started = Instant::now();
        pass()?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}
