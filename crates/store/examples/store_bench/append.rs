//! How many events a second the trail makes durable.

use std::path::Path;
use std::time::{Duration, Instant};

use admintrail_event::Draft;
use admintrail_event::testing::busy;
use admintrail_store::Submission;

use crate::fill::{BATCH, SENDERS};
use crate::{Error, clock, figure, median, open};

/// Five rounds of 100,000 events.
pub(crate) fn batches(dir: &Path) -> Result<(), Error> {
    let trail = open(dir)?;
    let mut batches: Vec<Vec<Submission>> = events(1, 500_000)
        .chunks(BATCH)
        .map(|c| c.iter().cloned().map(Submission::new).collect())
        .collect();
    let mut rates = Vec::new();
    while !batches.is_empty() {
        let rest = batches.split_off(batches.len().min(100));
        let round = std::mem::replace(&mut batches, rest);
        let mut shares: Vec<Vec<Vec<Submission>>> = (0..SENDERS).map(|_| Vec::new()).collect();
        for (batch, sender) in round.into_iter().zip((0..SENDERS).cycle()) {
            if let Some(share) = shares.get_mut(sender) {
                share.push(batch);
            }
        }
        let started = Instant::now();
        std::thread::scope(|scope| {
            for share in shares {
                scope.spawn(|| {
                    for batch in share {
                        let _ = trail.append_blocking(batch);
                    }
                });
            }
        });
        rates.push(100_000.0 / started.elapsed().as_secs_f64());
    }
    figure("append_batches", median(rates));
    trail.close();
    Ok(())
}

pub(crate) fn single_writers(dir: &Path, writers: u64, name: &str) -> Result<(), Error> {
    let trail = open(dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    // Enough for two seconds; made before the clock starts.
    let each = usize::try_from(400_000 / writers.max(10))?;
    let work: Vec<Vec<Draft>> = (0..writers)
        .map(|writer| events(100 + writer, each))
        .collect();
    let counts: Vec<u64> = runtime.block_on(async {
        let tasks: Vec<_> = work
            .into_iter()
            .map(|drafts| {
                let trail = trail.clone();
                tokio::spawn(async move {
                    let mut count = 0;
                    let mut drafts = drafts.into_iter();
                    let started = Instant::now();
                    while started.elapsed() < Duration::from_secs(2)
                        && let Some(draft) = drafts.next()
                    {
                        if trail.append(vec![Submission::new(draft)]).await.is_ok() {
                            count += 1;
                        }
                    }
                    count
                })
            })
            .collect();
        let mut counts = Vec::new();
        for task in tasks {
            counts.push(task.await.unwrap_or(0));
        }
        counts
    });
    let total: u64 = counts.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    figure(name, total as f64 / 2.0);
    trail.close();
    Ok(())
}

/// Events that end about now.
fn events(seed: u64, count: usize) -> Vec<Draft> {
    busy(seed, count).ending(clock()).collect()
}
