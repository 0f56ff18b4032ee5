//! Upgraded connections (WebSocket and others): bytes both ways until both sides end.
//!
//! A tunnel begins after the panel's `101` and not before: what a client sends early waits. It
//! begins outside the recorder, which adds its guard to the response on the way out.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::UpgradeGuard;
use admintrail_event::Ending;
use http::{Request, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio_util::task::TaskTracker;

use crate::stop::Stop;

/// Bytes taken at once.
const PIECE: usize = 16 * 1024;

/// How long one direction outlives the other.
const LINGER: Duration = Duration::from_secs(2);

/// The tunnels of the server and whatever else must end before it does.
#[derive(Clone)]
pub(crate) struct Tunnels {
    tasks: TaskTracker,
    stop: Stop,
}

impl Tunnels {
    pub(crate) fn new(stop: Stop) -> Self {
        Self {
            tasks: TaskTracker::new(),
            stop,
        }
    }

    /// Runs until it ends or the server stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                () = stop.told() => {}
            }
        });
    }

    /// Waits until all have ended.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Both halves of a tunnel to be, in the extensions of the response that opens it.
#[derive(Clone)]
pub(crate) struct Halves(Arc<Mutex<Option<(OnUpgrade, OnUpgrade)>>>);

impl Halves {
    pub(crate) fn new(client: OnUpgrade, panel: OnUpgrade) -> Self {
        Self(Arc::new(Mutex::new(Some((client, panel)))))
    }
}

/// What the server left in a request that may become a tunnel.
pub(crate) fn client_half<B>(request: &mut Request<B>) -> OnUpgrade {
    hyper::upgrade::on(request)
}

/// Starts the tunnel of a response that opens one.
pub(crate) fn begin<B>(response: &mut Response<B>, tunnels: &Tunnels) {
    let guard = response.extensions_mut().remove::<UpgradeGuard>();
    let halves = response
        .extensions_mut()
        .remove::<Halves>()
        .and_then(|halves| halves.0.lock().take());
    let Some((client, panel)) = halves else {
        return;
    };
    tunnels.spawn(async move {
        // Each half is handed over once its HTTP is done: ours when the 101 has been sent.
        let (Ok(client), Ok(panel)) = tokio::join!(client, panel) else {
            return;
        };
        let joined = join(client, panel, guard.as_ref());
        let ending = match &guard {
            None => joined.await,
            Some(guard) => tokio::select! {
                ending = joined => ending,
                () = guard.session_ended() => Ending::Dropped,
            },
        };
        if let Some(guard) = guard {
            guard.end(ending);
        }
    });
}

async fn join(client: Upgraded, panel: Upgraded, guard: Option<&UpgradeGuard>) -> Ending {
    let (client_read, client_write) = split(TokioIo::new(client));
    let (panel_read, panel_write) = split(TokioIo::new(panel));
    let up = pump(client_read, panel_write, |bytes| {
        if let Some(guard) = guard {
            guard.received(bytes);
        }
    });
    let down = pump(panel_read, client_write, |bytes| {
        if let Some(guard) = guard {
            guard.sent(bytes);
        }
    });
    // A side that breaks ends both directions; one that merely closes gives the other a moment
    // to finish what it was saying.
    let (mut up, mut down) = (pin!(up), pin!(down));
    let (upward, downward) = tokio::select! {
        up = &mut up => (Some(up), None),
        down = &mut down => (None, Some(down)),
    };
    let upward = match upward {
        Some(done) => done,
        None if matches!(downward, Some(Err(_))) => Ok(()),
        None => tokio::time::timeout(LINGER, up).await.unwrap_or(Ok(())),
    };
    let downward = match downward {
        Some(done) => done,
        None if upward.is_err() => Ok(()),
        None => tokio::time::timeout(LINGER, down).await.unwrap_or(Ok(())),
    };
    match (upward, downward) {
        (Err(Broken::Reader), _) | (_, Err(Broken::Writer)) => Ending::Dropped,
        (Err(Broken::Writer), _) | (_, Err(Broken::Reader)) => Ending::Failed,
        (Ok(()), Ok(())) => Ending::Complete,
    }
}

#[derive(PartialEq, Eq)]
enum Broken {
    Reader,
    Writer,
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    passed: impl Fn(u64),
) -> Result<(), Broken> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await.map_err(|_| Broken::Reader)?;
        let Some(data) = piece.get(..read).filter(|data| !data.is_empty()) else {
            let _ = to.shutdown().await;
            return Ok(());
        };
        to.write_all(data).await.map_err(|_| Broken::Writer)?;
        to.flush().await.map_err(|_| Broken::Writer)?;
        passed(read as u64);
    }
}
