//! Whether a time server keeps this machine's clock right.
//!
//! The kernel knows (`adjtimex`), but nothing that we may call without `unsafe` asks it. What can
//! be relied on is systemd-timesyncd: its folder below `/run` is there while it runs, and it
//! touches the file `synchronized` each time a time server was heard
//! (systemd-timesyncd.service(8)). Who keeps the clock otherwise (chrony, ntpd, the host of a
//! container) leaves nothing that anybody may read: nobody knows then, and that is no fault.

use std::path::Path;
use std::time::{Duration, SystemTime};

use admintrail_web::health::ClockState;

/// The folder of systemd-timesyncd.
pub(super) const TIMESYNC: &str = "/run/systemd/timesync";

/// It asks at least every 34 minutes; who was not heard for so long is lost.
const SILENT: Duration = Duration::from_secs(6 * 3_600);

/// What the folder says at a time.
pub(super) fn state(folder: &Path, now: SystemTime) -> ClockState {
    if !folder.is_dir() {
        return ClockState::Unknown;
    }
    let touched = folder
        .join("synchronized")
        .metadata()
        .and_then(|file| file.modified());
    match touched {
        // A file of the future is as good as one of this moment: the clock was set back.
        Ok(touched) if now.duration_since(touched).unwrap_or_default() <= SILENT => {
            ClockState::Synchronised
        }
        Ok(_) => ClockState::Unsynchronised,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => ClockState::Unsynchronised,
        Err(_) => ClockState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_timesyncd_says_whether_a_server_was_heard() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("timesync");
        let now = SystemTime::now();
        assert_eq!(state(&folder, now), ClockState::Unknown, "it does not run");
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(state(&folder, now), ClockState::Unsynchronised, "not yet");
        std::fs::write(folder.join("synchronized"), "").unwrap();
        let hours = |n: u64| now + Duration::from_secs(n * 3_600);
        for (at, expected) in [
            (now - Duration::from_secs(60), ClockState::Synchronised),
            (hours(0), ClockState::Synchronised),
            (hours(5), ClockState::Synchronised),
            (hours(7), ClockState::Unsynchronised),
        ] {
            assert_eq!(state(&folder, at), expected, "{at:?}");
        }
    }
}
