//! What the tests play on: the real binary, panels to put behind it, and raw sockets.

mod panel;
mod raw;
mod server;
pub(crate) mod smtp;

pub(crate) use panel::{Panel, Seen};
pub(crate) use raw::{exchange, exchange_pieces, read_reply};
pub(crate) use server::{Command, Options, Said, Server, admintrail};

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Waits until something holds; a test that waits in vain says what for.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Every file and folder below a folder.
pub(crate) fn everything_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}
