//! Who makes a request: how long that takes among 100,000 live sessions, and what those weigh.
//!
//! With the real `control.db` behind the real adapter. `memory` as the first argument prints the
//! weight instead, as one JSON line a figure. A timing decides no test.

#![allow(clippy::print_stdout, reason = "figures go to standard output")]

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::testing::{bind, resolve};
use admintrail_capture::{
    Binding, Bindings, BoxFuture, Identities, Named, OnFailure, PanelRules, Recorder, Recorders,
    RecordersOptions, Sink, SinkError, TokenRules,
};
use admintrail_event::{AttemptedNames, Draft, Micros, PanelName, Preset, SessionHash};
use admintrail_store::Control;
use criterion::Criterion;
use http::Request;
use http::request::Parts;

#[allow(dead_code, unused_imports, reason = "the binary uses all of it")]
#[path = "../src/clock.rs"]
mod clock;
#[allow(dead_code, unused_imports, reason = "the binary uses all of it")]
#[path = "../src/recording.rs"]
mod recording;

/// The binary's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SESSIONS: u32 = 100_000;

/// Cookies that were replaced and are still good, beside the live ones.
const GROUP: u32 = 1_000;

type Error = Box<dyn std::error::Error>;

struct Forgetting;

impl Sink for Forgetting {
    fn deliver(&self, _: Vec<Draft>) -> BoxFuture<Result<(), SinkError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// No token is mapped to a name.
struct Nobody;

impl Identities for Nobody {
    fn named(&self, _: &PanelName, _: &SessionHash) -> Option<Named> {
        None
    }
}

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("memory") => {
            let folder = tempfile::tempdir()?;
            let signed_in = runtime.block_on(weigh(folder.path()))?;
            println!("{{\"name\":\"memory_mb\",\"value\":{signed_in}}}");
            let again = Command::new(std::env::current_exe()?)
                .arg("loaded")
                .arg(folder.path())
                .output()?;
            print!("{}", String::from_utf8_lossy(&again.stdout));
            Ok(())
        }
        Some("loaded") => {
            let folder = arguments.get(1).ok_or("loaded FOLDER")?;
            let before = resident()?;
            let control = Control::open(Path::new(folder))?;
            let grown = resident()? - before;
            println!("{{\"name\":\"loaded_mb\",\"value\":{grown}}}");
            drop(control);
            Ok(())
        }
        _ => runtime.block_on(time()),
    }
}

/// What 100,000 sign-ins add to the process, in MB.
async fn weigh(folder: &Path) -> Result<f64, Error> {
    let (recorders, recorder) = start(folder).await?;
    // What the first ones take along is no session's.
    sign_in(&recorder, 0..GROUP).await;
    let before = resident()?;
    sign_in(&recorder, GROUP..GROUP + SESSIONS).await;
    let grown = resident()? - before;
    recorders.stop(Duration::from_secs(10)).await;
    Ok(grown)
}

async fn time() -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let (recorders, recorder) = start(folder.path()).await?;
    sign_in(&recorder, 0..SESSIONS).await;
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("identity");
    let now = clock::now();
    let requests: Vec<Parts> = (0..1_024)
        .map(|n| head(&cookie(n * 97 % SESSIONS)))
        .collect::<Result<_, _>>()?;
    let stranger = [head("sessionid=0123456789abcdef0123456789abcdef")?];
    for (what, requests) in [
        ("known session", &requests[..]),
        ("stranger", &stranger[..]),
    ] {
        let mut next = (0..requests.len()).cycle();
        group.bench_function(what, |bencher| {
            bencher.iter_batched_ref(
                || next.next().and_then(|at| requests.get(at)).cloned(),
                |request| {
                    let request = request.as_mut()?;
                    black_box(resolve(&recorder, request, now))
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    criterion.final_summary();
    recorders.stop(Duration::from_secs(10)).await;
    Ok(())
}

async fn start(folder: &Path) -> Result<(Recorders, Recorder), Error> {
    let recorders = Recorders::start(RecordersOptions {
        journal: folder.join("journal"),
        name: "bench".to_owned(),
        key: [7; 32],
        sink: Arc::new(Forgetting),
        bindings: Arc::new(recording::ControlBindings {
            control: Control::open(folder)?,
            clock: clock::system(),
        }) as Arc<dyn Bindings>,
        identities: Arc::new(Nobody),
        clock: clock::system(),
        confirmation: Duration::ZERO,
    })
    .await?;
    let recorder = recorders.recorder(PanelRules {
        panel: "billing".parse()?,
        preset: Preset::built_in("django-admin").ok_or("no preset")?,
        trusted_proxies: Vec::new(),
        identity_header: None,
        on_failure: OnFailure::Degrade,
        attempted_names: AttemptedNames::Known,
        tokens: TokenRules::default(),
        jwt: None,
    });
    Ok((recorders, recorder))
}

/// Sessions of 1,000 admins.
async fn sign_in(recorder: &Recorder, numbers: std::ops::Range<u32>) {
    let numbers: Vec<u32> = numbers.collect();
    for group in numbers.chunks(GROUP as usize) {
        let saving = group.iter().map(|n| async move {
            let make = |session| binding(recorder, *n, session);
            bind(recorder, b"sessionid", value(*n).as_bytes(), make).await;
        });
        futures_util::future::join_all(saving).await;
    }
}

fn binding(recorder: &Recorder, n: u32, session: SessionHash) -> Binding {
    let now = clock::now();
    Binding {
        panel: recorder.panel().clone(),
        admin: format!("firstname.lastname{}@example.com", n % 1_000),
        admin_name: None,
        session,
        since: now,
        until: Some(Micros(now.0 + 14 * 86_400 * Micros::SECOND)),
        acting_as: None,
    }
}

fn value(n: u32) -> String {
    format!("{n:08x}8f14e45fceea167a5a36dedd4bea2543")
}

fn cookie(n: u32) -> String {
    format!(
        "csrftoken=8f14e45fceea167a5a36dedd4bea2543; sessionid={}",
        value(n)
    )
}

/// A request as a browser sends it.
fn head(cookie: &str) -> Result<Parts, Error> {
    let mut request = Request::get("/admin/clients/4711/change/");
    for (name, value) in [
        ("host", "panel.example"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("sec-fetch-dest", "document"),
    ] {
        request = request.header(name, value);
    }
    let (parts, ()) = request.header("cookie", cookie).body(())?.into_parts();
    Ok(parts)
}

/// Resident memory of this process, in MB.
fn resident() -> Result<f64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1_024.0 / 1e6)
}
