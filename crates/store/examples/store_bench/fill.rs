//! Fills a data folder with a busy company's events, and says how fast the trail took them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use admintrail_event::testing::busy;
use admintrail_event::{Draft, Micros};
use admintrail_store::{Submission, Trail};
use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::time::{ClockId, clock_gettime};

use crate::{Error, clock, figure, open};

/// Senders of batches at once: while one batch is written, others are prepared.
const SENDERS: usize = 4;
/// Events of a batch.
pub(crate) const BATCH: usize = 1_000;
/// Batches that are made ahead of their turn.
const AHEAD: usize = 300;
/// Events over which a rate counts as one that was kept up.
const WINDOW: u64 = 1_000_000;
/// How many events later a late one comes, at the most: hours, at the usual spacing.
const LATEST: u64 = 200_000;

pub(crate) struct Fill {
    dir: PathBuf,
    events: usize,
    /// Of a thousand events, those that come hours late, as from a recorder that was cut off.
    late: u64,
    /// µs between events.
    every: i64,
}

impl Fill {
    /// `DIR EVENTS [--late PER_MILLE] [--every MICROSECONDS]`
    pub(crate) fn parse(words: &[&str]) -> Result<Self, Error> {
        let (dir, events, mut options) = match words {
            [dir, events, options @ ..] => (*dir, *events, options),
            _ => return Err("fill needs a folder and a number of events".into()),
        };
        let mut fill = Self {
            dir: Path::new(dir).to_path_buf(),
            events: events.parse()?,
            late: 0,
            every: 86_400_000_000 / 1_000_000,
        };
        while let [option, value, rest @ ..] = options {
            match *option {
                "--late" => fill.late = value.parse()?,
                "--every" => fill.every = value.parse()?,
                other => return Err(format!("fill has no option {other}").into()),
            }
            options = rest;
        }
        match options {
            [] => Ok(fill),
            _ => Err("an option of fill lacks its value".into()),
        }
    }

    pub(crate) fn run(&self) -> Result<(), Error> {
        let trail = open(&self.dir)?;
        let (sender, batches) = bounded(AHEAD);
        let made = std::thread::scope(|scope| {
            let generator = scope.spawn(move || self.generate(&sender));
            // The first batches lie ready before the clock starts, as the later ones should.
            while !generator.is_finished() && batches.len() < AHEAD {
                std::thread::sleep(Duration::from_millis(5));
            }
            let took = append(&trail, &batches);
            // A generator that is told of no receiver would wait for ever.
            drop(batches);
            let generated = generator.join().map_err(|_| "the generator panicked")?;
            took.map(|took| (took, generated))
        });
        let (appended, generator) = made?;
        trail.close();
        appended.print();
        figure("fill_generator_cpu_s", generator.as_secs_f64());
        Ok(())
    }

    /// Makes the events; returns the processor time it took.
    fn generate(&self, batches: &Sender<Vec<Draft>>) -> Duration {
        let workload = busy(1, self.events).every(self.every).ending(clock());
        let mut events = Late::of(workload, self.late);
        loop {
            let batch: Vec<Draft> = events.by_ref().take(BATCH).collect();
            if batch.is_empty() || batches.send(batch).is_err() {
                return processor_time(ClockId::ThreadCPUTime);
            }
        }
    }
}

struct Appended {
    events: u64,
    took: Duration,
    /// How long each sender waited for the generator, on average.
    waited: Duration,
    /// Of each window of [`WINDOW`] events, in events a second.
    windows: Vec<f64>,
    processor: Duration,
}

impl Appended {
    fn print(&self) {
        let took = self.took.as_secs_f64();
        figure("fill_events_per_s", float(self.events) / took);
        if let Some(slowest) = self.windows.iter().copied().min_by(f64::total_cmp) {
            figure("fill_slowest_million_per_s", slowest);
        }
        figure("fill_s", took);
        figure("fill_waited_for_generator_s", self.waited.as_secs_f64());
        figure("fill_process_cpu_s", self.processor.as_secs_f64());
    }
}

/// Appends all batches from several threads.
fn append(trail: &Trail, batches: &Receiver<Vec<Draft>>) -> Result<Appended, Error> {
    let (started, processor) = (Instant::now(), processor_time(ClockId::ProcessCPUTime));
    let count = AtomicU64::new(0);
    let marks = parking_lot::Mutex::new(Vec::new());
    let send = || -> Result<Duration, Error> {
        let mut waited = Duration::ZERO;
        loop {
            let asked = Instant::now();
            let Ok(batch) = batches.recv() else {
                return Ok(waited);
            };
            waited += asked.elapsed();
            let sent = batch.len() as u64;
            trail.append_blocking(batch.into_iter().map(Submission::new).collect())?;
            let before = count.fetch_add(sent, Ordering::Relaxed);
            if before / WINDOW < (before + sent) / WINDOW {
                marks.lock().push(started.elapsed().as_secs_f64());
            }
        }
    };
    let waits = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| scope.spawn(|| send().map_err(|error| error.to_string())))
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().map_err(|_| "a sender panicked".to_owned())?)
            .collect::<Result<Vec<_>, String>>()
    })?;
    let took = started.elapsed();
    let mut marks = marks.into_inner();
    marks.sort_by(f64::total_cmp);
    let begins = std::iter::once(0.0).chain(marks.iter().copied());
    Ok(Appended {
        events: count.into_inner(),
        took,
        waited: waits.into_iter().sum::<Duration>() / u32::try_from(SENDERS)?,
        windows: begins
            .zip(&marks)
            .map(|(from, to)| float(WINDOW) / (to - from))
            .collect(),
        processor: processor_time(ClockId::ProcessCPUTime).saturating_sub(processor),
    })
}

/// Some events are held back and come later, in the order of that.
struct Late<I> {
    events: I,
    per_mille: u64,
    taken: u64,
    held: BTreeMap<(u64, u64), Draft>,
}

impl<I> Late<I> {
    fn of(events: I, per_mille: u64) -> Self {
        Self {
            events,
            per_mille,
            taken: 0,
            held: BTreeMap::new(),
        }
    }
}

impl<I: Iterator<Item = Draft>> Iterator for Late<I> {
    type Item = Draft;

    fn next(&mut self) -> Option<Draft> {
        loop {
            if let Some(first) = self.held.first_entry()
                && first.key().0 <= self.taken
            {
                return Some(first.remove());
            }
            let Some(draft) = self.events.next() else {
                return self.held.pop_first().map(|(_, draft)| draft);
            };
            self.taken += 1;
            // The random half of the id decides, so that each run holds back the same ones.
            let mut drawn = [0; 8];
            drawn.copy_from_slice(draft.id.as_bytes().split_at(8).1);
            let drawn = u64::from_be_bytes(drawn);
            if drawn % 1_000 >= self.per_mille {
                return Some(draft);
            }
            let due = self.taken + drawn / 1_000 % LATEST;
            self.held.insert((due, self.taken), draft);
        }
    }
}

/// How fast the generator is by itself.
pub(crate) fn generate(events: usize) {
    let started = Instant::now();
    let made = busy(1, events).ending(clock()).fold(0u64, |sum, draft| {
        // Looked at, so that nothing of it can be left out.
        sum + u64::from(std::hint::black_box(draft).path.len() > 1)
    });
    figure(
        "generate_events_per_s",
        float(made) / started.elapsed().as_secs_f64(),
    );
}

/// Newest events of a busy company.
pub(crate) fn events(seed: u64, count: usize) -> Vec<Draft> {
    let now: Micros = clock();
    busy(seed, count).ending(now).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn float(count: u64) -> f64 {
    count as f64
}

fn processor_time(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
