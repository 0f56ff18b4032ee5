//! What the binary itself keeps in the data folder: the key.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Bytes of the key.
const LENGTH: usize = 32;

/// Reads the key that session hashes and fingerprints are made with; makes it on the first start.
///
/// Without the old key every known session would read as unknown, so a key of the wrong length
/// is an error and never replaced.
pub(crate) fn key(dir: &Path) -> Result<[u8; LENGTH]> {
    let path = dir.join("key");
    match File::open(&path) {
        Ok(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)
                .with_context(|| format!("cannot read {}", path.display()))?;
            match <[u8; LENGTH]>::try_from(bytes.as_slice()) {
                Ok(key) => Ok(key),
                Err(_) => bail!(
                    "{} is damaged: it holds {} bytes, not {LENGTH}. Restore it from a backup, or move it away: \
                     then everyone signed in to a panel reads as unknown until the next sign-in",
                    path.display(),
                    bytes.len()
                ),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            make(dir, &path).with_context(|| format!("cannot write {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Whole or not at all: written beside its place, then renamed.
fn make(dir: &Path, path: &Path) -> Result<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let beside = dir.join("key.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(dir)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let made = key(dir.path()).unwrap();
        assert_eq!(key(dir.path()).unwrap(), made);
        assert_ne!(made, [0; LENGTH]);
        let mode = fs::metadata(dir.path().join("key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("key"), b"short").unwrap();
        let error = key(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("damaged") && error.contains("backup"),
            "{error}"
        );
        assert_eq!(fs::read(dir.path().join("key")).unwrap(), b"short");
    }
}
