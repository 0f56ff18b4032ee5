//! Serves the pages over made-up days of three admins, to look at while drawing:
//! `cargo run -p admintrail-web --example preview [PORT] [EVENTS]`.
//!
//! `?` of the address is as always; these words in the environment show states that are rare:
//! `PREVIEW=empty` nothing recorded, `PREVIEW=failing` recording stopped.

mod sample;

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_capture::RecorderState;
use admintrail_event::{Micros, SessionHash};
use admintrail_store::control::{Account, NewAccount, Role, SecretHash};
use admintrail_store::{Control, Identity, Submission, Trail, TrailOptions};
use admintrail_web::auth::Viewer;
use admintrail_web::{App, AppOptions, PanelInfo, router};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};

fn now() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().map_or(Ok(7171), |text| text.parse())?;
    let events: usize = args.next().map_or(Ok(6_000), |text| text.parse())?;
    let state = std::env::var("PREVIEW").unwrap_or_default();
    let dir = tempfile::tempdir()?;
    let (trail, control) = open(dir.path())?;
    let account = account(&control)?;
    if state != "empty" {
        for batch in sample::days(now(), events).chunks(1_000) {
            trail
                .append(batch.iter().cloned().map(Submission::new).collect())
                .await?;
        }
        tokio::spawn(keep_going(trail.clone()));
    }
    let listen: SocketAddr = ([127, 0, 0, 1], port).into();
    let failing =
        (state == "failing").then(|| (Micros(now().0 - 8 * 60_000_000), "disk full".to_owned()));
    let app = App::new(AppOptions {
        trail,
        control,
        panels: sample::panels()
            .into_iter()
            .map(|(name, upstream, listen)| PanelInfo {
                name,
                upstream: Some(upstream),
                listen: Some(listen),
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
        key: [7; 32],
        version: "preview",
        listen,
        trusted_proxies: Vec::new(),
    });
    // Everybody is this person.
    let viewer = Viewer::Account {
        session: SecretHash([1; 32]),
        shown: SessionHash([1; 16]),
        account,
    };
    let control = app.control.clone();
    let signed_in = from_fn(move |mut request: Request, next: Next| {
        let mut viewer = viewer.clone();
        if let Viewer::Account { account, .. } = &mut viewer {
            *account = control
                .account(account.id)
                .unwrap_or_else(|| Arc::clone(account));
        }
        request.extensions_mut().insert(viewer);
        next.run(request)
    });
    let service = router(app).layer(signed_in);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(listener, service).await?;
    Ok(())
}

fn open(dir: &Path) -> Result<(Trail, Control), Box<dyn Error>> {
    let trail = Trail::open(TrailOptions {
        dir: dir.to_owned(),
        clock: Arc::new(now),
    })?;
    Ok((trail, Control::open(dir)?))
}

fn account(control: &Control) -> Result<Arc<Account>, Box<dyn Error>> {
    let made = control
        .add_account(NewAccount {
            email: "marek@hosting.example".to_owned(),
            name: "Marek Nowak".to_owned(),
            password_hash: None,
            role: Role::Owner,
            identities: vec![Identity {
                panel: None,
                admin: "tom@hosting.example".to_owned(),
            }],
            created: now(),
        })
        .wait()?;
    Ok(made.ok_or("the address is taken")?)
}

/// A request every second or so, so that refreshing shows something.
async fn keep_going(trail: Trail) {
    for turn in 0_u64.. {
        tokio::time::sleep(std::time::Duration::from_millis(900 + turn * 7_919 % 2_200)).await;
        let batch = sample::at(now(), 1_000_000 + turn);
        if trail.append(vec![Submission::new(batch)]).await.is_err() {
            return;
        }
    }
}
