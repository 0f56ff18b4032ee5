//! Health that reaches a person: looks every few seconds, keeps what it found over restarts, and
//! tells it on by webhook and e-mail.
//!
//! Nothing here holds anything up: a look that takes long delays the next one, and each way out
//! goes at its own pace.

mod clock_sync;
pub(crate) mod email;
mod gather;
mod message;
mod post;
mod ways;
pub(crate) mod webhook;

use std::sync::Arc;
use std::time::Duration;

use admintrail_store::Control;
use admintrail_web::health::{Change, Changed, Code, Health, Words};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Alerts;
use crate::stop::Stop;

pub(crate) use gather::{Gather, tick};
pub(crate) use message::Message;
pub(crate) use ways::channels;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(10);

/// Where what was found is kept.
const SETTING: &str = "health";

/// Takes up what was known before the restart.
pub(crate) fn restore(health: &Health, control: &Control, tick: Duration) {
    if let Some(saved) = control.setting(SETTING) {
        health.restore(&saved, tick);
    }
}

/// Looks until it is told to stop, and tells what changed.
pub(crate) async fn watch(
    mut gather: Gather,
    health: Arc<Health>,
    control: Control,
    alerts: Alerts,
    mut stop: Stop,
) {
    let (look, looked) = watch::channel(health.last());
    let mut ways = JoinSet::new();
    for channel in channels(&alerts, gather.recorder()) {
        let (health, control) = (Arc::clone(&health), control.clone());
        ways.spawn(ways::deliver(channel, health, control, looked.clone()));
    }
    // A clock that is behind the record was told of before the restart.
    gather.knows_leap = health.holds(Code::ClockLeap);
    let mut keeping = Keeping {
        control,
        state: Kept::Yes,
    };
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let looking = async {
            tick.tick().await;
            gather.look().await
        };
        let (back, facts) = tokio::select! {
            looked = looking => match looked {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::error!(%error, "nobody looks after the health of this server any more");
                    return;
                }
            },
            () = stop.told() => return,
        };
        gather = back;
        let changes = health.look(facts);
        changes.iter().for_each(log);
        // First kept, then told: who dies in between tells it after the restart.
        keeping.keep(&health, !changes.is_empty()).await;
        look.send_replace(health.last());
    }
}

/// Keeps what was found.
struct Keeping {
    control: Control,
    state: Kept,
}

/// Whether what was found last is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    /// The disk may be full for hours; that is logged once.
    NotYet,
}

impl Keeping {
    async fn keep(&mut self, health: &Health, changed: bool) {
        if !changed && self.state == Kept::Yes {
            return;
        }
        match self
            .control
            .set_setting(SETTING, Some(&health.saved()))
            .await
        {
            Ok(()) => self.state = Kept::Yes,
            Err(error) => {
                if self.state == Kept::Yes {
                    tracing::warn!(code = error.code(), %error, "what is wrong could not be kept; it may be told again after a restart");
                }
                self.state = Kept::NotYet;
            }
        }
    }
}

fn log(change: &Change) {
    let at = |at: admintrail_event::Micros| at.to_string();
    let condition = change.fault.code().word();
    match change.changed {
        Changed::Raised => {
            let words = Words::of(&change.fault, change.since, &at);
            tracing::warn!(condition, "{} {}", words.what, words.remedy);
        }
        Changed::Resolved => {
            let over = Words::over(&change.fault, change.since, &at);
            tracing::info!(condition, "{over}");
        }
    }
}
