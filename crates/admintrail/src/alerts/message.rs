//! What is told out of the house.

use admintrail_event::Micros;
use admintrail_web::health::{Change, Changed, Words};
use jiff::Timestamp;
use serde_json::{Value, json};

/// One thing to tell.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The same each time it is sent, so that a receiver can tell it from another one.
    pub(crate) id: String,
    event: &'static str,
    condition: &'static str,
    subject: String,
    severity: &'static str,
    since: Micros,
    at: Micros,
    recorder: String,
    pub(crate) title: String,
    what: String,
    means: String,
    remedy: String,
}

impl Message {
    /// Of a change.
    pub(crate) fn of(change: &Change, recorder: &str) -> Self {
        let fault = &change.fault;
        let words = Words::of(fault, change.since, &moment);
        let (title, what, means, remedy) = match change.changed {
            Changed::Raised => (words.title, words.what, words.means, words.remedy),
            Changed::Resolved => (
                format!("Over: {}", words.title),
                Words::over(fault, change.since, &moment),
                String::new(),
                String::new(),
            ),
        };
        Self {
            id: format!("{}-{}", change.at.0, change.number),
            event: change.changed.word(),
            condition: fault.code().word(),
            subject: fault.subject().to_owned(),
            severity: fault.code().severity().word(),
            since: change.since,
            at: change.at,
            recorder: recorder.to_owned(),
            title,
            what,
            means,
            remedy,
        }
    }

    /// Tries a way out.
    pub(crate) fn test(now: Micros, recorder: &str) -> Self {
        Self {
            id: format!("{}-test", now.0),
            event: "test",
            condition: "test",
            subject: String::new(),
            severity: "warning",
            since: now,
            at: now,
            recorder: recorder.to_owned(),
            title: "Test".to_owned(),
            what: "This is a test of admintrail alerts test.".to_owned(),
            means: "Alerts reach you on this way.".to_owned(),
            remedy: "Nothing is to be done.".to_owned(),
        }
    }

    /// As a webhook gets it. `text` is what chat services show.
    pub(crate) fn json(&self) -> Value {
        json!({
            "version": 1,
            "id": self.id,
            "event": self.event,
            "condition": self.condition,
            "subject": self.subject,
            "severity": self.severity,
            "since": self.since.to_string(),
            "at": self.at.to_string(),
            "recorder": self.recorder,
            "title": self.title,
            "what": self.what,
            "means": self.means,
            "remedy": self.remedy,
            "text": format!("{} ({})\n{}", self.title, self.recorder, self.sentences().join(" ")),
        })
    }

    /// As a mail says it.
    pub(crate) fn paragraph(&self) -> String {
        let mut lines = vec![self.title.clone(), String::new()];
        lines.extend(self.sentences().into_iter().map(str::to_owned));
        lines.push(format!("({}, {})", self.condition, moment(self.at)));
        lines.join("\n")
    }

    fn sentences(&self) -> Vec<&str> {
        let all = [&self.what, &self.means, &self.remedy];
        let said = all.into_iter().filter(|one| !one.is_empty());
        said.map(String::as_str).collect()
    }
}

/// Whoever reads it may be anywhere.
fn moment(at: Micros) -> String {
    Timestamp::from_microsecond(at.0)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%d %H:%M:%S UTC")
        .to_string()
}
