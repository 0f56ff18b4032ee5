//! Everything, from the rows to the signed checkpoint: reads a data folder beside its server or without
//! one, and changes nothing.
//!
//! [`found`] reads what the folder has and hashes hot; [`in_order`] hands out all events in the order of
//! their numbers, segments hashed on all cores; [`entries`] holds them against the ledger.

mod entries;
mod found;
mod in_order;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::Path;

use admintrail_event::Seq;
use admintrail_ledger::{
    Checkpoint, Fault, FaultKind, LedgerError, Report, Statement, VerifierKey, VerifyError,
};

use super::folder::Published;
use crate::StoreError;
use entries::Verifying;
use found::{Found, under_way};

/// So often it looks again when the folder was rewritten while it was read.
const REWRITTEN: u32 = 3;

/// What to verify against.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The key that has to have signed; by default the folder's own.
    pub key: Option<VerifierKey>,
    /// An earlier checkpoint of this ledger, verified then: only what came after it is read, and that
    /// the ledger still begins with it is proven.
    pub since: Option<Vec<u8>>,
    /// Checkpoints that somebody else kept, and where: the ledger must pass through them.
    pub anchors: Vec<(String, Vec<u8>)>,
    /// Threads that hash; by default as many as there are processors.
    pub threads: Option<NonZero<usize>>,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The ledger's name.
    pub origin: String,
    /// Entries that its last checkpoint covers.
    pub entries: u64,
    /// What is in order, or the first thing that is not.
    pub outcome: Result<Report, Fault>,
    /// Events that are in no block yet: the ledger says nothing of them.
    pub waiting: u64,
    /// Events that stand where a statement says that the ledger has none.
    pub outside: u64,
    /// Recorders that left out numbers, with how many: requests that were never recorded. By recorder
    /// and epoch.
    pub gaps: Vec<(String, u64, u64)>,
    /// The statements of the ledger, by their place.
    pub statements: BTreeMap<u64, Statement>,
    /// Pseudonyms of erasures that are announced and not done: their events are not held against what
    /// they are to leave yet. A server that runs, or the next one, ends them.
    pub unfinished: Vec<String>,
    /// Anchors that are no checkpoints of this ledger, so that nothing was held against them, and why.
    pub unusable: Vec<(String, String)>,
}

/// Verifies a data folder. `progress` is told how many events of how many were looked at.
///
/// # Errors
/// What keeps it from looking: files that cannot be read, a key that is missing, formats of a newer
/// version, a `since` that is no checkpoint. What is found wrong is no error.
pub fn verify(
    dir: &Path,
    options: &VerifyOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, StoreError> {
    let mut tries = 0..REWRITTEN;
    loop {
        let (verified, found) = once(dir, options, &mut progress)?;
        // What was read may have been rewritten by an erasure or by retention while it was.
        let meanwhile = || found.is_outdated(dir);
        if verified.outcome.is_ok() || tries.next().is_none() || !meanwhile()? {
            return Ok(verified);
        }
    }
}

/// Verifies it once; also what it was verified from.
fn once(
    dir: &Path,
    options: &VerifyOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<(Verified, Found), StoreError> {
    let mut found = Found::read(dir, options)?;
    let published = Published::below(dir);
    let checkpoint = match open_checkpoint(&published, &found.key)? {
        Ok(checkpoint) => checkpoint,
        Err(fault) => return Ok((found.verified(Err(fault)), found)),
    };
    found.catch_up()?;
    let hot = std::mem::take(&mut found.hot);
    let mut verifying = Verifying::begin(&found, &published, checkpoint.head, options)?;
    let mut outcome = verifying.run(hot, &mut progress)?;
    let mut unfinished = Vec::new();
    if outcome.is_ok() {
        match found.erasures.check(&found.private, || under_way(dir))? {
            Ok(pseudonyms) => unfinished = pseudonyms,
            Err(fault) => outcome = Err(fault),
        }
    }
    let verified = Verified {
        origin: checkpoint.origin,
        entries: checkpoint.head.size,
        outcome,
        waiting: verifying.waiting,
        outside: verifying.outside,
        gaps: verifying.gaps(),
        statements: found.statements.clone(),
        unfinished,
        unusable: verifying.unusable,
    };
    Ok((verified, found))
}

/// As many threads as there are processors, if nobody says otherwise.
fn threads_of(options: &VerifyOptions) -> usize {
    let threads = options.threads.map(NonZero::get);
    threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

/// The published checkpoint; a fault if it is gone or not signed by the key.
fn open_checkpoint(
    published: &Published,
    key: &VerifierKey,
) -> Result<Result<Checkpoint, Fault>, StoreError> {
    let fault = || {
        Err(Fault {
            kind: FaultKind::Rewritten,
            first: Seq(1),
            last: Seq(1),
            entry: 0,
        })
    };
    let bytes = published
        .checkpoint()
        .map_err(|error| StoreError::NotReadable {
            path: "ledger/checkpoint".into(),
            cause: error.to_string(),
        })?;
    let Some(bytes) = bytes else {
        return Ok(fault());
    };
    let opened = Checkpoint::open(&bytes, std::slice::from_ref(key));
    Ok(match opened {
        Ok(checkpoint) => Ok(checkpoint),
        Err(_) => fault(),
    })
}

/// What ends a verification early.
pub(super) enum Stop {
    Verify(VerifyError),
    Store(StoreError),
}

impl From<VerifyError> for Stop {
    fn from(error: VerifyError) -> Self {
        Self::Verify(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn cannot(error: &LedgerError) -> StoreError {
    StoreError::NotReadable {
        path: "ledger".into(),
        cause: error.to_string(),
    }
}
