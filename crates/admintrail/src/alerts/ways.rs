//! Telling it on: each way at its own pace, until it went out.

use std::sync::Arc;
use std::time::Duration;

use admintrail_store::Control;
use admintrail_web::health::{Change, Health, Way};
use tokio::sync::watch;
use tokio::time::Instant;

use super::message::Message;
use super::{email, webhook};
use crate::clock;
use crate::config::{Alerts, Email, Webhook};

/// After a failure, doubled each time.
const RETRY: Duration = Duration::from_secs(5);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// What cannot be told for so long is given up, so that it does not keep what came after it.
const GIVE_UP: Duration = Duration::from_secs(24 * 3_600);

/// A way out of the house.
pub(crate) struct Channel {
    recorder: String,
    to: To,
}

enum To {
    Webhook(Webhook),
    Email(Email),
}

/// Every way that is configured.
pub(crate) fn channels(alerts: &Alerts, recorder: &str) -> Vec<Channel> {
    let webhook = alerts.webhook.clone().map(To::Webhook);
    let email = alerts.email.clone().map(To::Email);
    [webhook, email]
        .into_iter()
        .flatten()
        .map(|to| Channel {
            recorder: recorder.to_owned(),
            to,
        })
        .collect()
}

impl Channel {
    /// For people and as a key.
    pub(crate) const fn name(&self) -> &'static str {
        match self.to {
            To::Webhook(_) => "webhook",
            To::Email(_) => "email",
        }
    }

    /// Where it goes, without secrets.
    pub(crate) fn target(&self) -> String {
        match &self.to {
            To::Webhook(webhook) => webhook.address.to_string(),
            To::Email(email) => {
                let to: Vec<String> = email.to.iter().map(ToString::to_string).collect();
                format!("{} by {}", to.join(", "), email.smtp)
            }
        }
    }

    /// A mail says all that there is; whoever is posted to takes one thing at a time.
    const fn most(&self) -> usize {
        match self.to {
            To::Webhook(_) => 1,
            To::Email(_) => usize::MAX,
        }
    }

    /// Sends; says why it could not.
    pub(crate) async fn send(&self, messages: &[Message]) -> Result<(), String> {
        match &self.to {
            To::Webhook(to) => {
                for message in messages {
                    webhook::send(to, message).await?;
                }
                Ok(())
            }
            To::Email(to) => email::send(to, messages, &self.recorder).await,
        }
    }
}

/// Tells on what changes, from where it stopped before the restart; ends with the server.
pub(super) async fn deliver(
    channel: Channel,
    health: Arc<Health>,
    control: Control,
    mut looked: watch::Receiver<u64>,
) {
    let mut way = Way {
        name: channel.name(),
        target: channel.target(),
        ..Way::default()
    };
    health.set_way(way.clone());
    let kept = Kept {
        setting: format!("alerts_{}", channel.name()),
        control,
    };
    let mut told = kept.told();
    loop {
        let (changes, last) = health.untold(told);
        for batch in changes.chunks(channel.most()) {
            until_sent(&channel, batch, &mut way, &health).await;
            if let (Some(_), Some(change)) = (told, batch.last()) {
                kept.keep(change.number).await;
            }
        }
        if told != Some(last) {
            kept.keep(last).await;
            told = Some(last);
        }
        if looked.changed().await.is_err() {
            return;
        }
    }
}

/// Up to which change somebody was told.
struct Kept {
    setting: String,
    control: Control,
}

impl Kept {
    fn told(&self) -> Option<u64> {
        self.control.setting(&self.setting)?.parse().ok()
    }

    async fn keep(&self, number: u64) {
        let kept = self
            .control
            .set_setting(&self.setting, Some(&number.to_string()))
            .await;
        if let Err(error) = kept {
            tracing::warn!(code = error.code(), %error, "what was told could not be kept; it may be told again after a restart");
        }
    }
}

async fn until_sent(channel: &Channel, batch: &[Change], way: &mut Way, health: &Health) {
    let messages: Vec<Message> = batch
        .iter()
        .map(|change| Message::of(change, &channel.recorder))
        .collect();
    let began = Instant::now();
    let mut pause = RETRY;
    loop {
        match channel.send(&messages).await {
            Ok(()) => {
                (way.delivered, way.failing) = (Some(clock::now()), None);
                health.set_way(way.clone());
                return;
            }
            Err(cause) => {
                let since = way
                    .failing
                    .take()
                    .map_or_else(clock::now, |(since, _)| since);
                way.failing = Some((since, cause.clone()));
                health.set_way(way.clone());
                if began.elapsed() > GIVE_UP {
                    tracing::error!(
                        way = way.name,
                        to = way.target,
                        cause,
                        "an alert could not be told for a day and is given up"
                    );
                    return;
                }
                tracing::warn!(
                    way = way.name,
                    to = way.target,
                    cause,
                    again_in_s = pause.as_secs(),
                    "an alert could not be told"
                );
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}
