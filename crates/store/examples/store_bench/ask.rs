//! How long the trail thinks, and what it weighs, with everything in memory.

use std::path::Path;
use std::time::Instant;

use admintrail_event::{Filter, Micros};
use admintrail_store::{Cursor, FacetField, Order, PageRequest, Trail, View};

use crate::{Error, figure, median, open};

pub(crate) fn questions(data: &Path) -> Result<(), Error> {
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
    let total = trail.count(&View::default())?.value;
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

fn resident_mib() -> Result<f64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .ok_or("no VmRSS")?;
    let kib: f64 = line.trim_matches(|c: char| !c.is_ascii_digit()).parse()?;
    Ok(kib / 1024.0)
}
