//! The key that signs checkpoints: `ledger.key`, made once, readable by the owner alone.

use std::fs;
use std::io;
use std::path::Path;

use admintrail_event::LogId;
use admintrail_ledger::{SigningKey, VerifierKey};

use super::folder::{Published, write_whole};
use crate::StoreError;
use crate::random::random;

/// The name of the key's file in the data folder.
pub const SIGNING_KEY: &str = "ledger.key";

/// What stands before the seed, so that people know what they look at.
const FORM: &str = "admintrail-ledger-key-1 ";

/// The name of a log's ledger, which is that of its key: the origin line of its checkpoints.
pub(super) fn origin(log: LogId) -> String {
    let digits: String = log
        .0
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("admintrail/{digits}")
}

/// Reads the key of a data folder, or makes it.
pub(super) fn signing_key(dir: &Path, log: LogId) -> Result<SigningKey, StoreError> {
    let path = dir.join(SIGNING_KEY);
    let seed = match fs::read_to_string(&path) {
        Ok(text) => seed_of(&text).ok_or_else(|| damaged(&path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Another key would not open what this one has signed.
            if let Ok(Some(_)) = Published::below(dir).checkpoint() {
                return Err(StoreError::NotReadable {
                    path,
                    cause: "it is gone, and the published ledger is signed with it; put it back \
                            from a backup"
                        .to_owned(),
                });
            }
            make(&path)?
        }
        Err(error) => {
            return Err(StoreError::NotReadable {
                path,
                cause: error.to_string(),
            });
        }
    };
    SigningKey::new(&origin(log), &seed).map_err(|_| damaged(&path))
}

/// The key with which everybody checks the checkpoints of a data folder; `None` before its first start.
///
/// # Errors
/// STORE-003 or STORE-007 if the key cannot be read.
pub fn verification_key(dir: &Path, log: LogId) -> Result<Option<VerifierKey>, StoreError> {
    if dir.join(SIGNING_KEY).exists() {
        Ok(Some(signing_key(dir, log)?.public().clone()))
    } else {
        Ok(None)
    }
}

fn make(path: &Path) -> Result<[u8; 32], StoreError> {
    let seed = random::<32>()?;
    let digits: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    let written = write_whole(path, format!("{FORM}{digits}\n").as_bytes());
    written.map_err(|error| StoreError::NotWritable {
        path: path.to_path_buf(),
        cause: error.to_string(),
    })?;
    Ok(seed)
}

fn seed_of(text: &str) -> Option<[u8; 32]> {
    let digits = text.trim_end().strip_prefix(FORM)?;
    let mut seed = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(seed)
}

fn damaged(path: &Path) -> StoreError {
    StoreError::Damaged {
        path: path.to_path_buf(),
        cause: "it is no signing key of a ledger".to_owned(),
    }
}
