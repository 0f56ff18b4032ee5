//! What the ledger costs: appends with it and without, bytes, and how fast a folder is verified.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use admintrail_event::Micros;
use admintrail_event::testing::busy;
use admintrail_store::{Submission, Trail, TrailOptions, VerifyOptions, verify};

use crate::fill::{BATCH, SENDERS};
use crate::{Error, clock, figure, float, median};

/// Rounds of each kind, alternating.
const ROUNDS: usize = 5;
/// Events of a round.
const EVENTS: usize = 1_000_000;
/// Seconds of a thousand events each that are weighed.
const SECONDS: usize = 300;

pub(crate) fn measure(dir: &Path) -> Result<(), Error> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        without.push(append(&dir.join(format!("without-{round}")), false)?);
        with.push(append(&dir.join(format!("with-{round}")), true)?);
    }
    figure("append_without_ledger", median(without));
    figure("append_with_ledger", median(with));
    figure("ledger_bytes_per_event", weigh(&dir.join("weighed"))?);
    let mut rates = Vec::new();
    for _ in 0..3 {
        rates.push(verified(&dir.join("with-0"))?);
    }
    figure("verify_events_per_s", median(rates));
    Ok(())
}

/// A part of it, in a folder that stays: one round of appends with the ledger, and what the ledger of
/// another weighs.
pub(crate) fn prepare(dir: &Path) -> Result<(), Error> {
    figure("append_with_ledger", append(&dir.join("with-0"), true)?);
    figure("ledger_bytes_per_event", weigh(&dir.join("weighed"))?);
    Ok(())
}

/// A part of it: verifies a data folder so many times.
pub(crate) fn verify_again(dir: &Path, times: usize) -> Result<(), Error> {
    for _ in 0..times {
        figure("verify_events_per_s", verified(dir)?);
    }
    Ok(())
}

/// Events a second.
fn verified(folder: &Path) -> Result<f64, Error> {
    let began = Instant::now();
    let found = verify(folder, &VerifyOptions::default(), |_, _| {})?;
    let report = found.outcome.map_err(|fault| fault.to_string())?;
    Ok(float(report.whole) / began.elapsed().as_secs_f64())
}

/// Events a second, durable, until the last is published or, without a ledger, sealed as far as it goes.
fn append(dir: &Path, ledger: bool) -> Result<f64, Error> {
    let mut options = TrailOptions::new(dir.to_path_buf(), Arc::new(clock));
    options.tuning.ledger = ledger;
    let trail = Trail::open(options)?;
    let drafts: Vec<_> = busy(1, EVENTS).every(86_400).ending(clock()).collect();
    let mut shares: Vec<Vec<Vec<Submission>>> = (0..SENDERS).map(|_| Vec::new()).collect();
    for (batch, sender) in drafts.chunks(BATCH).zip((0..SENDERS).cycle()) {
        if let Some(share) = shares.get_mut(sender) {
            share.push(batch.iter().cloned().map(Submission::new).collect());
        }
    }
    drop(drafts);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| {
                for batch in share {
                    let _ = trail.append_blocking(batch);
                }
            });
        }
    });
    if ledger {
        trail.publish()?;
    }
    let took = began.elapsed();
    trail.close();
    Ok(float(EVENTS as u64) / took.as_secs_f64())
}

/// Bytes of the ledger, published and private, for each of a thousand events a second.
fn weigh(dir: &Path) -> Result<f64, Error> {
    let now = Arc::new(AtomicI64::new(clock().0));
    let told = Arc::clone(&now);
    let options = TrailOptions::new(
        dir.to_path_buf(),
        Arc::new(move || Micros(told.load(Ordering::Relaxed))),
    );
    let trail = Trail::open(options)?;
    let drafts: Vec<_> = busy(1, SECONDS * BATCH).ending(clock()).collect();
    for (second, batch) in drafts.chunks(BATCH).enumerate() {
        now.fetch_add(Micros::SECOND, Ordering::Relaxed);
        trail.append_blocking(batch.iter().cloned().map(Submission::new).collect())?;
        // A checkpoint a second costs partial tiles; they go when a tile is full.
        if second % 10 == 0 {
            trail.publish()?;
        }
    }
    trail.publish()?;
    trail.close();
    let bytes = size_of(&dir.join("ledger"))? + fs::metadata(dir.join("ledger.db"))?.len();
    Ok(float(bytes) / float((SECONDS * BATCH) as u64))
}

fn size_of(folder: &Path) -> Result<u64, Error> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() {
            size_of(&entry.path())?
        } else {
            meta.len()
        };
    }
    Ok(bytes)
}
