//! Fills a data folder with a busy company's events, and says how fast the trail took them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use admintrail_event::Draft;
use admintrail_store::{Submission, Trail};
use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::time::{ClockId, clock_gettime};

use crate::load::Load;
use crate::{Error, figure, float, open};

/// Senders of batches at once: while one batch is written, others are prepared.
pub(crate) const SENDERS: usize = 4;
/// Events of a batch.
pub(crate) const BATCH: usize = 1_000;
/// Batches that are made ahead of their turn.
const AHEAD: usize = 300;
/// Events over which a rate counts as one that was kept up.
const WINDOW: u64 = 1_000_000;

pub(crate) struct Fill {
    pub(crate) dir: PathBuf,
    pub(crate) load: Load,
}

impl Fill {
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
        // What is sealed behind the last batch is told by itself: hot may stay full.
        let closing = Instant::now();
        trail.close();
        appended.print();
        figure("fill_close_s", closing.elapsed().as_secs_f64());
        figure("fill_generator_cpu_s", generator.as_secs_f64());
        Ok(())
    }

    /// Makes the events; returns the processor time it took.
    fn generate(&self, batches: &Sender<Vec<Draft>>) -> Duration {
        let mut drafts = self.load.drafts();
        loop {
            let batch: Vec<Draft> = drafts.by_ref().take(BATCH).collect();
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

/// How fast the generator is by itself.
pub(crate) fn generate(load: &Load) {
    let started = Instant::now();
    let made = load.drafts().fold(0, |sum, draft| {
        // Looked at, so that nothing of it can be left out.
        sum + u64::from(std::hint::black_box(draft).path.len() > 1)
    });
    let took = started.elapsed().as_secs_f64();
    figure("generate_events_per_s", float(made) / took);
}

fn processor_time(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
