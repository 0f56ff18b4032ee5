//! What the trail does in a second, and how long it thinks: one JSON line a figure.
//!
//! `store_bench measure` measures in a temporary folder; `store_bench fill DIR N` fills a data
//! folder with N events for measurements over HTTP. `append DIR` and `ask DIR` are parts of
//! `measure`, for profilers and for a process of their own.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use admintrail_event::testing::workload;
use admintrail_event::{Draft, Filter, Micros};
use admintrail_store::{
    Cursor, FacetField, Order, PageRequest, Submission, Trail, TrailOptions, View,
};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["measure"] => measure(500_000),
        ["measure", events] => measure(events.parse()?),
        ["append", dir] => append_batches(Path::new(dir)),
        ["ask", dir] => questions(Path::new(dir)),
        ["fill", dir, events] => fill(Path::new(dir), events.parse()?),
        _ => Err("usage: store_bench measure [EVENTS] | fill DIR EVENTS".into()),
    }
}

fn clock() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn open(dir: &Path) -> Result<Trail, Error> {
    Ok(Trail::open(TrailOptions::new(dir.to_path_buf(), Arc::new(clock)))?)
}

/// Events that end about now.
fn events(seed: u64, count: usize) -> Vec<Draft> {
    let now = clock();
    workload(seed, count)
        .every(86_400_000_000 / 500_000)
        .ending(now)
        .collect()
}

fn batches(seed: u64, count: usize) -> Vec<Vec<Submission>> {
    let drafts = events(seed, count);
    drafts
        .chunks(1_000)
        .map(|c| c.iter().cloned().map(Submission::new).collect())
        .collect()
}

fn fill(dir: &Path, count: usize) -> Result<(), Error> {
    let trail = open(dir)?;
    for batch in batches(1, count) {
        trail.append_blocking(batch)?;
    }
    trail.close();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "figures are what this prints")]
fn figure(name: &str, value: f64) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.3}}}");
}

fn measure(count: usize) -> Result<(), Error> {
    let root = tempfile::tempdir()?;
    let data = root.path().join("data");
    append_batches(&root.path().join("batches"))?;
    single_writers(&root.path().join("one"), 1, "append_one_writer")?;
    single_writers(&root.path().join("many"), 64, "append_64_writers")?;
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

/// Senders of batches at once: while one batch is written, others are prepared.
const SENDERS: usize = 4;

/// Five rounds of 100,000 events.
fn append_batches(dir: &Path) -> Result<(), Error> {
    let trail = open(dir)?;
    let mut batches = batches(1, 500_000);
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

fn single_writers(dir: &Path, writers: u64, name: &str) -> Result<(), Error> {
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

fn questions(data: &Path) -> Result<(), Error> {
    let mut loads = Vec::new();
    for _ in 0..3 {
        let started = Instant::now();
        let trail = open(data)?;
        loads.push(started.elapsed().as_secs_f64() * 1e3);
        trail.close();
    }
    figure("load_500k_ready_ms", median(loads));
    let trail = open(data)?;
    let first = PageRequest {
        order: Order::Descending,
        limit: 50,
        cursor: None,
        last: false,
    };
    let deep = deep_cursor(&trail)?;
    let everything = View {
        fold: true,
        ..View::default()
    };
    ask("first_page", true, || {
        trail.page(&everything, &first).map(drop)
    })?;
    let deep = PageRequest {
        cursor: deep,
        ..first
    };
    ask("deep_page", false, || {
        trail.page(&everything, &deep).map(drop)
    })?;
    for (name, filter) in [
        ("rare_admin", "admin:nobody-of-this-name"),
        ("substring", "zzqqzzqq"),
        (
            "many_terms",
            "type:api method:PUT,DELETE -outcome:error is:first",
        ),
    ] {
        let view = View {
            filter: Filter::parse(filter)?,
            fold: true,
            ..View::default()
        };
        ask(name, false, || trail.page(&view, &first).map(drop))?;
    }
    ask("count", false, || trail.count(&everything).map(drop))?;
    ask("histogram", false, || {
        trail.histogram(&everything, 96, Micros(0)).map(drop)
    })?;
    ask("facet", false, || {
        trail.facet(&everything, FacetField::Action, 10).map(drop)
    })?;
    ask("sessions", false, || {
        trail.sessions(&everything, 0, 50).map(drop)
    })?;
    figure("rss_mib", resident_mib()?);
    trail.close();
    Ok(())
}

/// A place half-way down.
fn deep_cursor(trail: &Trail) -> Result<Option<Cursor>, Error> {
    let mut request = PageRequest {
        order: Order::Descending,
        limit: 1_000,
        cursor: None,
        last: false,
    };
    let total = trail.count(&View::default())?;
    for _ in 0..total / 2_000 {
        request.cursor = trail.page(&View::default(), &request)?.older;
    }
    Ok(request.cursor)
}

fn ask(
    name: &str,
    median_too: bool,
    mut question: impl FnMut() -> Result<(), admintrail_store::StoreError>,
) -> Result<(), Error> {
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        question()?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    if median_too {
        figure(
            &format!("{name}_p50_ms"),
            times.get(100).copied().unwrap_or(f64::NAN),
        );
    }
    figure(
        &format!("{name}_p99_ms"),
        times.get(198).copied().unwrap_or(f64::NAN),
    );
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn resident_mib() -> Result<f64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .ok_or("no VmRSS")?;
    let kib: f64 = line.trim_matches(|c: char| !c.is_ascii_digit()).parse()?;
    Ok(kib / 1024.0)
}
