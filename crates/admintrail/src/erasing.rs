//! Carries out what is approved to be erased: one after the other, at once and whenever the last attempt
//! failed, until it is done.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use admintrail_capture::{Recorder, Recorders};
use admintrail_event::Micros;
use admintrail_store::control::{ErasureState, StoredErasure};
use admintrail_store::{Control, StoreError, Trail};
use admintrail_web::App;
use admintrail_web::erasing::{Hands, carry_out};

use crate::clock::Clock;
use crate::learned;
use crate::stop::Stop;

/// What could not be done is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);

/// Finished events that name the person reach the record within this time.
const DELIVERED: Duration = Duration::from_secs(2);

/// The server's part of an erasure.
pub(crate) struct Eraser {
    pub(crate) trail: Trail,
    pub(crate) control: Control,
    pub(crate) app: Arc<App>,
    pub(crate) recorders: Recorders,
    /// One a panel.
    pub(crate) each: Vec<Recorder>,
    pub(crate) clock: Clock,
    /// The server is: what fails from then on is no failure.
    pub(crate) stopping: AtomicBool,
}

impl Hands for Eraser {
    fn forget(&self, admin: &str, pseudonym: &str) {
        self.app.forget(admin, pseudonym);
        self.recorders.forget(admin);
        let until = Instant::now() + DELIVERED;
        while self.recorders.state().waiting > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn renew_journal(&self) -> Result<(), String> {
        let renewed = self.recorders.renew_journal();
        renewed.map_err(|error| error.to_string())
    }

    fn now(&self) -> Micros {
        (self.clock)()
    }
}

/// Carries out what is approved until told to stop; what a stop or a crash interrupts is taken up by the
/// next start.
pub(crate) async fn watch(eraser: Eraser, mut stop: Stop) {
    let app = Arc::clone(&eraser.app);
    let eraser = Arc::new(eraser);
    loop {
        let working = Arc::clone(&eraser);
        let work = tokio::task::spawn_blocking(move || working.erase_all());
        let all_done = tokio::select! {
            // Somebody's mistake in our own code is no reason to stop trying.
            done = work => done.unwrap_or(false),
            () = stop.told() => {
                eraser.stopping.store(true, Ordering::Release);
                return;
            }
        };
        for recorder in &eraser.each {
            learned::keep(recorder, &eraser.control).await;
        }
        let again = async {
            if all_done {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(AGAIN).await;
        };
        tokio::select! {
            () = app.erasing.rung() => {}
            () = again => {}
            () = stop.told() => return,
        }
    }
}

impl Eraser {
    /// Whether nothing is left to be done.
    fn erase_all(&self) -> bool {
        let mut approved: Vec<Arc<StoredErasure>> = self.control.erasures();
        approved.retain(|one| one.state == ErasureState::Approved);
        // The oldest first.
        for erasure in approved.iter().rev() {
            let rooms = (&self.trail, &self.control);
            match carry_out(rooms, erasure, self, |_| {}) {
                Ok(Some(done)) => {
                    // The store says how many events that were.
                    tracing::info!(
                        pseudonym = done.pseudonym,
                        "sessions, accounts and the journal are clear of an erased person"
                    );
                }
                Ok(None) => {}
                Err(StoreError::Closed) => return false,
                Err(_) if self.stopping.load(Ordering::Acquire) => return false,
                Err(error) => {
                    tracing::warn!(
                        pseudonym = erasure.pseudonym,
                        code = error.code(),
                        %error,
                        "a person could not be erased; it is tried again"
                    );
                    self.app.erasing.failed((self.clock)(), error.to_string());
                    return false;
                }
            }
        }
        self.app.erasing.works();
        true
    }
}

/// A folder's part where no server runs on it.
pub(crate) struct FolderHands {
    pub(crate) data: PathBuf,
    pub(crate) clock: Clock,
}

impl Hands for FolderHands {
    fn forget(&self, _admin: &str, _pseudonym: &str) {}

    /// A server that stopped in order leaves nothing there.
    fn renew_journal(&self) -> Result<(), String> {
        if has_openings(&self.data) {
            return Err(LEFT_OPEN.to_owned());
        }
        Ok(())
    }

    fn now(&self) -> Micros {
        (self.clock)()
    }
}

/// What to do about a journal of a server that did not stop in order.
pub(crate) const LEFT_OPEN: &str = "a server that ended out of order left requests in it that are not on \
                                    record yet, and they may name the person; start the server once";

/// Whether the journal holds requests that are not on record yet.
pub(crate) fn has_openings(data: &Path) -> bool {
    let entries = std::fs::read_dir(data.join("journal"));
    entries
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.path().extension().is_some_and(|end| end == "log"))
}
