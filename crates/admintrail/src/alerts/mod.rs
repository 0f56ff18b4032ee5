//! Health that reaches a person: looks every few seconds, keeps what it found over restarts, and
//! tells it on by webhook and e-mail.
//!
//! Nothing here holds anything up: a look that takes long delays the next one, and each way out
//! goes at its own pace.

mod clock_sync;
mod email;
mod gather;
mod message;
mod post;
mod ways;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use admintrail_store::Control;
use admintrail_web::health::{Change, Changed, Health, Words};
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
    let mut unsaved = false;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.told() => return,
        }
        let (back, facts) = match gather.look().await {
            Ok(looked) => looked,
            Err(error) => {
                tracing::error!(%error, "nobody looks after the health of this server any more");
                return;
            }
        };
        gather = back;
        let changes = health.look(facts);
        changes.iter().for_each(log);
        unsaved |= !changes.is_empty();
        // First kept, then told: who dies in between tells it after the restart.
        if unsaved {
            let kept = control.set_setting(SETTING, Some(&health.saved())).await;
            if let Err(error) = &kept {
                tracing::warn!(code = error.code(), %error, "what is wrong could not be kept; it may be told again after a restart");
            }
            unsaved = kept.is_err();
        }
        look.send_replace(health.last());
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
