//! Serves the pages over made-up days at a company, to look at while drawing:
//! `cargo run -p admintrail-web --example preview [PORT] [EVENTS]`.
//!
//! `?` of the address is as always; these words in the environment show states that are rare:
//! `PREVIEW=empty` nothing recorded, `PREVIEW=failing` recording stopped, `PREVIEW=alerts` some of
//! everything that may be wrong, `PREVIEW=slow` a search in an archive that takes its time (try
//! `?q=path:client`), `PREVIEW=slowest` one that has no time at all.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use admintrail_capture::{Peer, RecorderState};
use admintrail_event::testing::workload;
use admintrail_event::{Draft, Ending, EventId, KnownBy, Micros, Outcome, PanelName, SessionHash};
use admintrail_store::control::{NewAccount, NewSession, Role};
use admintrail_store::{Control, Identity, Submission, Trail, TrailOptions, Tuning};
use admintrail_web::auth::cookie::SESSION;
use admintrail_web::auth::secret::Secret;
use admintrail_web::health::{ClockState, Damaged, Disk, Facts, GapFact, Way};
use admintrail_web::{App, AppOptions, Health, PanelInfo, router};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::{HeaderValue, header};

fn now() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// What is seldom in a list: slow, broken off, left, of another year.
fn rare(days: &[Draft]) -> Vec<Submission> {
    let endings = [
        Ending::Complete,
        Ending::Failed,
        Ending::Dropped,
        Ending::Complete,
    ];
    let ids = (0..).map(|n| EventId::new(now(), [n; 10]));
    let last = days.iter().rev().filter(|draft| draft.status == Some(200));
    let made = last.zip(endings).zip(ids).enumerate();
    made.map(|(n, ((draft, ending), id))| {
        let mut draft = draft.clone();
        (draft.id, draft.ending, draft.polling) = (id, ending, false);
        draft.duration_us = Some(2_501_000);
        let back = if n == 3 && std::env::var("PREVIEW").is_ok_and(|state| state == "old") {
            365 * 86_400
        } else {
            20 + i64::try_from(n).unwrap_or(0)
        };
        draft.time = Micros(now().0 - back * Micros::SECOND);
        Submission::new(draft)
    })
    .collect()
}

/// Somebody who tries names and passwords, half an hour ago, and gets in as the last of them.
fn intruder(days: &[Draft]) -> Vec<Submission> {
    let Some(seen) = days.iter().rev().find(|draft| draft.admin.is_some()) else {
        return Vec::new();
    };
    let names = ["root", "admin", "unknown name (9 characters) #5c1f"];
    let tries = (0_u8..34).map(|n| {
        let mut draft = seen.clone();
        let back = 1_800 - i64::from(n) * 7;
        draft.time = Micros(now().0 - back * Micros::SECOND);
        draft.id = EventId::new(draft.time, [n.wrapping_add(100); 10]);
        (draft.method, draft.path) = ("POST".to_owned(), "/admin/login".to_owned());
        (draft.query, draft.object, draft.polling) = (None, None, false);
        draft.route = Some("/admin/login".to_owned());
        draft.ip = "45.83.64.11".parse().ok();
        if n < 33 {
            let tried = names.get(usize::from(n) % 5).copied().map(str::to_owned);
            let tried = tried.or_else(|| seen.admin.clone()).unwrap_or_default();
            draft.action = format!("Failed sign-in as {tried}");
            (draft.admin, draft.admin_name, draft.session) = (None, None, None);
            (draft.status, draft.outcome) = (Some(401), Outcome::Denied);
            (draft.known_by, draft.attempted) = (KnownBy::Attempt, Some(tried));
        } else {
            draft.action = "Signed in".to_owned();
            draft.session = Some(SessionHash([0x4b; 16]));
            (draft.status, draft.outcome) = (Some(302), Outcome::Success);
        }
        Submission::new(draft)
    });
    tries.collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().map_or(Ok(7171), |text| text.parse())?;
    let events: usize = args.next().map_or(Ok(6_000), |text| text.parse())?;
    let state = std::env::var("PREVIEW").unwrap_or_default();
    let dir = tempfile::tempdir()?;
    let (trail, control) = open(dir.path(), &state)?;
    let cookie = sign_in(&control)?;
    if state != "empty" {
        // Eight days, so that today can be compared with usual.
        let every = 8 * 86_400_000_000 / i64::try_from(events.max(1))?;
        let days: Vec<Draft> = workload(7, events).every(every).ending(now()).collect();
        for batch in days.chunks(1_000) {
            let batch = batch.iter().cloned().map(Submission::new);
            trail.append(batch.collect()).await?;
        }
        trail.append(rare(&days)).await?;
        trail.append(intruder(&days)).await?;
        if state.starts_with("slow") {
            trail.seal()?;
        }
        tokio::spawn(keep_going(trail.clone()));
    }
    let listen: SocketAddr = ([127, 0, 0, 1], port).into();
    let failing =
        (state == "failing").then(|| (Micros(now().0 - 8 * 60_000_000), "disk full".to_owned()));
    let app = App::new(AppOptions {
        trail,
        control,
        panels: panels()
            .into_iter()
            .map(|(name, upstream, listen)| PanelInfo {
                name,
                upstream: Some(upstream),
                listen: Some(listen),
                trusts_a_proxy: false,
            })
            .collect(),
        clock: Arc::new(now),
        presets: Arc::new(|_| None),
        recorder_state: Arc::new(move || RecorderState {
            open: 2,
            waiting: 0,
            unrecorded: if failing.is_some() { 12 } else { 0 },
            failing: failing.clone(),
        }),
        direct: Arc::default(),
        anchors: Arc::default(),
        anchor_places: Arc::default(),
        health: Arc::new(if state == "alerts" {
            ill()
        } else {
            Health::default()
        }),
        ledger_public: false,
        key: [7; 32],
        version: "preview",
        listen,
        trusted_proxies: Vec::new(),
    });
    let signed_in = from_fn(move |mut request: Request, next: Next| {
        // Everybody is this person, unless somebody signed in.
        let known = SESSION.of(request.headers(), false).is_some();
        let before = ["/login", "/setup", "/reset"]
            .iter()
            .any(|path| request.uri().path().starts_with(path));
        if !known && !before {
            request.headers_mut().append(header::COOKIE, cookie.clone());
        }
        request.extensions_mut().insert(Peer {
            addr: listen,
            tls: false,
        });
        next.run(request)
    });
    let service = router(app).layer(signed_in);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, service).await?;
    Ok(())
}

/// Some of everything that may be wrong, and of what was.
fn ill() -> Health {
    let health = Health::default();
    let look = |minutes_ago: i64, set: &dyn Fn(&mut Facts)| {
        let mut facts = Facts {
            now: Micros(now().0 - minutes_ago * 60 * Micros::SECOND),
            tick: Duration::from_secs(u64::try_from((10_000 - minutes_ago) * 60).unwrap_or(0)),
            ..Facts::default()
        };
        set(&mut facts);
        health.look(facts);
    };
    look(4_000, &|facts| facts.hot = Some(1_204_511));
    look(3_700, &|_| {});
    look(300, &|facts| facts.clock = ClockState::Unsynchronised);
    look(280, &|facts| facts.clock = ClockState::Unsynchronised);
    look(140, &|facts| {
        facts.disk = Some(Disk {
            free: 61_000_000_000,
            total: 800_000_000_000,
        });
    });
    look(2, &|facts| {
        facts.disk = Some(Disk {
            free: 61_000_000_000,
            total: 800_000_000_000,
        });
        facts.damaged.push(Damaged {
            name: "00000000000250000-00000000000499999.0.parquet".to_owned(),
            cause: "the checksum of row group 3 differs".to_owned(),
        });
        facts.gaps.push(GapFact {
            panel: "billing".to_owned(),
            requests: 1_204,
            since: facts.now,
            says: "1204 requests passed without a record".to_owned(),
        });
        facts.leap_s = -7_260;
    });
    health.set_way(Way {
        name: "webhook",
        target: "https://hooks.example.org/…".to_owned(),
        delivered: None,
        failing: Some((now(), "it answers 503 Service Unavailable".to_owned())),
    });
    health.set_way(Way {
        name: "email",
        target: "ops@example.org, olena@example.org by smtps://ops:…@mail.example.org:465"
            .to_owned(),
        delivered: Some(now()),
        failing: None,
    });
    health
}

fn open(dir: &Path, state: &str) -> Result<(Trail, Control), Box<dyn Error>> {
    let mut options = TrailOptions::new(dir.to_owned(), Arc::new(now));
    if state.starts_with("slow") {
        // Hardly any time, and small groups.
        options.tuning = Tuning {
            seal_at: 2_000,
            seal: 1_000,
            group: 100,
            budget: Duration::from_millis(if state == "slow" { 4 } else { 0 }),
            ..Tuning::default()
        };
    }
    let trail = Trail::open(options)?;
    Ok((trail, Control::open(dir)?))
}

/// An account with two sessions; the cookie of one of them.
fn sign_in(control: &Control) -> Result<HeaderValue, Box<dyn Error>> {
    let made = control
        .add_account(NewAccount {
            email: "marek@hosting.example".to_owned(),
            name: "Marek Nowak".to_owned(),
            password_hash: None,
            role: Role::Owner,
            identities: vec![Identity {
                panel: None,
                admin: "olena@example.org".to_owned(),
            }],
            created: now(),
        })
        .wait()?;
    let account = made.ok_or("the address is taken")?.id;
    let mut cookie = None;
    for agent in [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Safari/604.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    ] {
        let secret = Secret::generate()?;
        let session = NewSession {
            hash: secret.hash(),
            account,
            created: now(),
            ip: Some("203.0.113.90".to_owned()),
            agent: Some(agent.to_owned()),
        };
        control.begin_session(session, None).wait()?;
        cookie = Some(format!("{}={}", SESSION.name(false), secret.expose()));
    }
    Ok(HeaderValue::from_str(&cookie.unwrap_or_default())?)
}

/// name, upstream, listens
fn panels() -> Vec<(PanelName, String, String)> {
    let panel = |name: &str, upstream: &str, listen: &str| {
        Some((name.parse().ok()?, upstream.to_owned(), listen.to_owned()))
    };
    let all = [
        panel("billing", "http://127.0.0.1:8000", ":8080"),
        panel("shop", "http://10.0.4.12:3000", ":8081"),
    ];
    all.into_iter().flatten().collect()
}

/// A request every second or so, so that refreshing shows something.
async fn keep_going(trail: Trail) {
    for turn in 0_u64.. {
        tokio::time::sleep(Duration::from_millis(900 + turn * 7_919 % 2_200)).await;
        let next = workload(now().0.unsigned_abs(), 1).every(1).ending(now());
        let batch: Vec<Submission> = next.map(Submission::new).collect();
        if trail.append(batch).await.is_err() {
            return;
        }
    }
}
