//! What recorders learn of panels is kept in `control.db`: at most once a minute, at the end, and
//! within a second where it keeps a name away.

use std::time::Duration;

use admintrail_capture::Recorder;
use admintrail_store::Control;
use tokio::time::Instant;

use crate::stop::Stop;

/// How often is looked whether something is new. What comes first is kept soon.
const LOOK: Duration = Duration::from_secs(1);

/// What is new waits so long after the last time.
const PAUSE: Duration = Duration::from_secs(60);

/// What could not be kept is tried again after this time.
const RETRY: Duration = Duration::from_secs(10);

/// Gives a recorder what an earlier run learned.
pub(crate) fn remember(recorder: &Recorder, control: &Control) {
    let Some(learned) = control.learned(recorder.panel()) else {
        return;
    };
    if let Err(cause) = recorder.remember(&learned) {
        tracing::warn!(
            panel = %recorder.panel(),
            %cause,
            "what an earlier run learned of this panel cannot be read; it is learned anew"
        );
    }
}

/// Keeps what is learned until told to stop. [`keep`] keeps the rest.
pub(crate) async fn watch(recorders: Vec<Recorder>, control: Control, mut stop: Stop) {
    let now = Instant::now();
    let mut waits: Vec<_> = recorders.into_iter().map(|it| (it, now, now)).collect();
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.told() => return,
        }
        for (recorder, due, urgently_due) in &mut waits {
            let now = Instant::now();
            let is_due = now >= *due || (recorder.learned_is_urgent() && now >= *urgently_due);
            if !is_due {
                continue;
            }
            match keep(recorder, &control).await {
                Kept::Nothing => {}
                Kept::All => *due = now + PAUSE,
                Kept::NotYet => (*due, *urgently_due) = (now + RETRY, now + RETRY),
            }
        }
    }
}

/// What became of what was new.
pub(crate) enum Kept {
    /// Nothing was new.
    Nothing,
    All,
    /// It could not be kept.
    NotYet,
}

/// Keeps what is new.
pub(crate) async fn keep(recorder: &Recorder, control: &Control) -> Kept {
    let Some(learned) = recorder.learned() else {
        return Kept::Nothing;
    };
    let saved = control
        .save_learned(recorder.panel().clone(), learned)
        .await;
    let Err(error) = saved else {
        return Kept::All;
    };
    recorder.learned_not_kept();
    tracing::warn!(
        panel = %recorder.panel(),
        code = error.code(),
        %error,
        "what was learned of this panel could not be kept; it is tried again"
    );
    Kept::NotYet
}
