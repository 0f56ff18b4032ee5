//! The journal's own thread: shared syncs, and fresh segments when the old one is full or failed.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::MutexGuard;

use super::{
    Active, NotWritten, RETRY_AFTER, SEGMENT_BYTES, SYNC_WITHIN, Shared, State, WRITTEN, frame,
};
use super::{record, recovery};
use crate::health::Cause;

/// Written into a fresh segment after an error, so that one free byte does not count as room.
const PROOF_OF_ROOM: usize = 4096;

enum Task {
    Sync,
    Renew,
    End,
}

impl Shared {
    pub(super) fn run(&self) {
        loop {
            let task = self.next_task();
            self.reserve.sync();
            match task {
                Task::Sync => self.sync(),
                Task::Renew => {
                    let asked = std::mem::take(&mut self.state.lock().renewals);
                    // Reported through `health` inside; here it only means: later again.
                    let renewed = self.renew();
                    for one in asked {
                        let answer = match &renewed {
                            Ok(()) => Ok(()),
                            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
                        };
                        let _ = one.send(answer);
                    }
                }
                Task::End => {
                    self.state.lock().renewals.clear();
                    self.sync();
                    return;
                }
            }
        }
    }

    fn next_task(&self) -> Task {
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            if state.closing {
                return Task::End;
            }
            let until = match &state.active {
                None => match state.retry_at {
                    Some(at) if now < at => Some(at),
                    _ => return Task::Renew,
                },
                Some(active) if active.length > state.replace_above => return Task::Renew,
                Some(_) if !state.renewals.is_empty() => return Task::Renew,
                Some(_) if !state.waiters.is_empty() => return Task::Sync,
                Some(_) => match state.sync_by {
                    Some(at) if now < at => Some(at),
                    Some(_) => return Task::Sync,
                    None => None,
                },
            };
            self.wait(&mut state, until);
        }
    }

    fn wait(&self, state: &mut MutexGuard<'_, State>, until: Option<Instant>) {
        match until {
            Some(at) => {
                self.wake.wait_until(state, at);
            }
            None => self.wake.wait(state),
        }
    }

    /// One `fdatasync` for everybody who wrote before it.
    fn sync(&self) {
        let (file, waiters) = {
            let mut state = self.state.lock();
            let Some(active) = &state.active else { return };
            let file = Arc::clone(&active.file);
            state.sync_by = None;
            (file, std::mem::take(&mut state.waiters))
        };
        let result = file.sync();
        if let Err(error) = &result {
            let mut state = self.state.lock();
            if state
                .active
                .as_ref()
                .is_some_and(|active| Arc::ptr_eq(&active.file, &file))
            {
                self.give_up(&mut state, error);
            }
        }
        let answer = result.map_err(|_| NotWritten);
        for waiter in waiters {
            let _ = waiter.send(answer);
        }
    }

    /// Replaces the active segment by a fresh one that holds everything still open. After this
    /// the earlier segments have nothing that is needed, and go.
    pub(super) fn renew(&self) -> io::Result<()> {
        let (number, was_broken) = {
            let mut state = self.state.lock();
            state.next += 1;
            (state.next - 1, state.active.is_none())
        };
        let path = self.folder.join(recovery::segment_name(number));
        let mut begin = frame::MAGIC.to_vec();
        if was_broken {
            record::pad(PROOF_OF_ROOM, &mut begin);
        }
        let made = self.disk.create(&path).and_then(|file| {
            file.write_at(&begin, 0)?;
            Ok(Active {
                file,
                path: path.clone(),
                length: begin.len() as u64,
            })
        });
        let mut fresh = match made {
            Ok(fresh) => fresh,
            Err(error) => {
                let _ = std::fs::remove_file(&path);
                self.stay(&error);
                return Err(error);
            }
        };

        let mut state = self.state.lock();
        let carried = state
            .open
            .values()
            .map(Vec::as_slice)
            .collect::<Vec<_>>()
            .concat();
        if let Err(error) = fresh.file.write_at(&carried, fresh.length) {
            drop(state);
            let _ = std::fs::remove_file(&path);
            self.stay(&error);
            return Err(error);
        }
        fresh.length += carried.len() as u64;
        let counted: Vec<_> = if self.reserve.counts() {
            state.open.keys().copied().collect()
        } else {
            Vec::new()
        };
        // Many long-lived openings must not make every fresh segment full at once.
        state.replace_above = SEGMENT_BYTES.max(fresh.length * 4);
        let file = Arc::clone(&fresh.file);
        let replaced = state.active.replace(fresh).map(|active| active.path);
        state.old.extend(replaced);
        // What was gathered is among what is open.
        state.end_batch(WRITTEN);
        state.sync_by = None;
        state.retry_at = None;
        let waiters = std::mem::take(&mut state.waiters);
        drop(state);

        let result = file
            .sync()
            .and_then(|()| self.disk.sync_folder(&self.folder));
        let answer = match &result {
            Ok(()) => {
                self.reserve.settle(counted.iter());
                self.reserve.make();
                self.health.works(Cause::Journal);
                let old = std::mem::take(&mut self.state.lock().old);
                for path in old {
                    let _ = std::fs::remove_file(path);
                }
                Ok(())
            }
            Err(error) => {
                let mut state = self.state.lock();
                self.give_up(&mut state, error);
                state.retry_at = Some(Instant::now() + RETRY_AFTER);
                Err(NotWritten)
            }
        };
        for waiter in waiters {
            let _ = waiter.send(answer);
        }
        result
    }

    /// A fresh segment could not be made. The active one, if any, goes on; else later again.
    fn stay(&self, error: &io::Error) {
        let mut state = self.state.lock();
        match &state.active {
            Some(active) => {
                state.replace_above = active.length + SEGMENT_BYTES;
                // Whoever waited is served by the next sync of the active segment.
                state
                    .sync_by
                    .get_or_insert_with(|| Instant::now() + SYNC_WITHIN);
            }
            None => {
                self.give_up(&mut state, error);
                state.retry_at = Some(Instant::now() + RETRY_AFTER);
            }
        }
    }
}
