//! `control.db`: accounts, tokens, sessions of our own pages, bindings, ended sessions, erasures, settings.
//!
//! Look-ups are answered from memory and never wait for the disk. Changes go to one writer
//! thread, which commits those that come together at once; they are answered when they are
//! durable and visible.

mod accounts;
mod bindings;
mod database;
mod durable;
mod ended;
mod erasures;
mod forgetting;
mod identities;
mod learned;
mod links;
mod memory;
mod model;
mod sessions;
mod settings;
mod tokens;
mod writer;

pub use durable::Durable;
pub use ended::EndedSession;
pub use erasures::{ErasureId, ErasureState, NewErasure, StoredErasure};
pub use forgetting::Forgotten;
pub use model::{
    Account, AccountId, ApiToken, LinkPurpose, MappedIdentity, NewAccount, NewSession, NewToken,
    OneTimeLink, Preferences, Role, SecretHash, StoredBinding, TokenId, TokenScope, WebSession,
};

pub use settings::ANCHOR_PLACES;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, unbounded};
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::StoreError;
use memory::Memory;
use writer::Work;

/// The database of everything that is not an event. Clones share it.
///
/// Look-ups are answered from memory. What changes something returns a [`Durable`]: `.await` it,
/// or `.wait()` on a thread that may block.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

struct Shared {
    memory: Arc<Memory>,
    /// `None`: closed, or opened for reading only.
    writer: Mutex<Option<Writer>>,
}

struct Writer {
    changes: Sender<Work>,
    thread: JoinHandle<()>,
    lock: database::FolderLock,
}

impl Control {
    /// Opens `control.db` in the data folder (which must exist), makes or migrates it, and holds
    /// it until the last clone is gone or [`Self::close`]. Errors say what to do.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let lock = database::lock(dir)?;
        let (connection, memory) = database::open(dir)?;
        let memory = Arc::new(memory);
        let (changes, incoming) = unbounded();
        let (path, shown) = (dir.join(database::FILE), Arc::clone(&memory));
        let thread = std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || writer::run(connection, &incoming, &shown, &path))
            .map_err(|error| StoreError::CannotRecord {
                cause: error.to_string(),
            })?;
        let writer = Mutex::new(Some(Writer {
            changes,
            thread,
            lock,
        }));
        Ok(Self {
            shared: Arc::new(Shared { memory, writer }),
        })
    }

    /// Reads one snapshot, beside a running server or without one. Every change is refused with
    /// [`StoreError::Closed`].
    pub fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let memory = Arc::new(database::open_read_only(dir)?);
        Ok(Self {
            shared: Arc::new(Shared {
                memory,
                writer: Mutex::new(None),
            }),
        })
    }

    /// Finishes the changes under way and closes the file. Later changes are refused; look-ups
    /// still answer.
    pub fn close(&self) {
        self.shared.close();
    }

    fn memory(&self) -> &Memory {
        &self.shared.memory
    }

    /// Hands a change to the writer.
    fn change<T: Send + 'static, R: Send + 'static>(
        &self,
        sql: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        apply: impl FnOnce(&Memory, T) -> R + Send + 'static,
    ) -> Durable<R> {
        let (change, durable) = writer::change(sql, apply);
        self.send(Work::Change(change));
        durable
    }

    fn send(&self, work: Work) {
        if let Some(writer) = self.shared.writer.lock().as_ref() {
            // What nobody takes answers `Closed` when it is dropped.
            drop(writer.changes.send(work));
        }
    }

    /// Hands over a change that nobody waits for; the writer logs if it fails.
    fn note(&self, sql: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static) {
        drop(self.change(sql, |_, ()| {}));
    }
}

impl Shared {
    fn close(&self) {
        let Some(Writer {
            changes,
            thread,
            lock,
        }) = self.writer.lock().take()
        else {
            return;
        };
        drop(changes);
        if thread.join().is_err() {
            tracing::error!("the writer of control.db ended out of order");
        }
        drop(lock);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}
