//! The time, as every room takes it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_event::Micros;

/// A clock that rooms are handed.
pub(crate) type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// The system's clock.
pub(crate) fn system() -> Clock {
    Arc::new(now)
}

/// The system's time.
pub(crate) fn now() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
