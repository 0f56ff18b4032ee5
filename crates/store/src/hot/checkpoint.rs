//! Moving what is in the database's log into the database, beside the writer.

use std::thread::JoinHandle;

use rusqlite::Connection;

use super::database::{Access, Database};

/// Bytes written after which it is done.
const EVERY: usize = 16 << 20;
/// A log longer than this is moved by the writer itself, who then has to wait for it.
pub(crate) const LONGEST_LOG: i64 = 256 << 20;

/// Tells the thread when enough was written.
pub(crate) struct Checkpoints {
    wake: crossbeam_channel::Sender<()>,
    written: usize,
}

impl Checkpoints {
    /// Starts the thread; it ends when this is dropped.
    pub(crate) fn start(database: Database) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (wake, woken) = crossbeam_channel::bounded::<()>(1);
        let thread = std::thread::Builder::new()
            .name("trail-checkpoint".to_owned())
            .spawn(move || {
                let mut connection: Option<Connection> = None;
                while woken.recv().is_ok() {
                    if connection.is_none() {
                        connection = database.connect(Access::Write).ok();
                    }
                    let done = connection
                        .as_ref()
                        .map(|c| c.execute_batch("PRAGMA wal_checkpoint(PASSIVE)"));
                    if let Some(Err(error)) = done {
                        // Nothing is lost: the log is read together with the database.
                        tracing::warn!(%error, "the log of trail.db could not be moved into it");
                        connection = None;
                    }
                }
            })?;
        Ok((Self { wake, written: 0 }, thread))
    }

    /// Notes that so many bytes were committed.
    pub(crate) fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        if self.written >= EVERY {
            self.written = 0;
            let _ = self.wake.try_send(());
        }
    }
}
