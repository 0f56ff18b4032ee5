//! The sentence of a request once it is known what came of it.

use super::{Preset, Reading, Step};
use crate::Outcome;

impl Preset {
    /// The sentence to record once the outcome is known.
    /// `Denied: …` / `Failed: …` / `Error: …`, "Signed in", "Failed sign-in as NAME",
    /// "Sent to sign-in", "Signed out". `attempted` is already what may be shown.
    #[must_use]
    pub fn sentence(
        &self,
        reading: &Reading,
        outcome: Outcome,
        sent_to_sign_in: bool,
        attempted: Option<&str>,
    ) -> String {
        self.sentence_of(reading, outcome, None, sent_to_sign_in, attempted)
    }

    /// [`Self::sentence`] with the status, for panels that answer a form with mistakes in it with
    /// 200 and the form again: nothing was changed, and the sentence says so.
    #[must_use]
    pub fn sentence_of(
        &self,
        reading: &Reading,
        outcome: Outcome,
        status: Option<u16>,
        sent_to_sign_in: bool,
        attempted: Option<&str>,
    ) -> String {
        let named = |what: &str| {
            attempted.map_or_else(|| what.to_owned(), |name| format!("{what} as {name}"))
        };
        match (reading.step, outcome) {
            (Step::SignIn, Outcome::Success) => Step::SIGNED_IN.to_owned(),
            (Step::SignIn, Outcome::Denied | Outcome::Failed) => named("Failed sign-in"),
            (Step::SignIn, Outcome::Error) => named("Error: sign-in"),
            // Undecided, or never answered.
            (Step::SignIn, Outcome::Unknown) => named("Tried to sign in"),
            (Step::Ordinary | Step::SecondFactor | Step::SignInForm, _) if sent_to_sign_in => {
                "Sent to sign-in".to_owned()
            }
            (Step::SecondFactor, Outcome::Denied | Outcome::Failed) => {
                "Failed second factor".to_owned()
            }
            (_, Outcome::Denied) => format!("Denied: {}", continued(&reading.action)),
            (_, Outcome::Failed) => format!("Failed: {}", continued(&reading.action)),
            (_, Outcome::Error) => format!("Error: {}", continued(&reading.action)),
            (_, Outcome::Success | Outcome::Unknown) => match &reading.if_200 {
                Some(shown_again) if status == Some(200) => shown_again.clone(),
                _ => reading.action.clone(),
            },
        }
    }
}

/// A sentence whose response broke off before its end: what was seen of it is not all.
#[must_use]
pub fn broken_off(sentence: &str) -> String {
    format!("{sentence} (response broke off)")
}

/// What changes something, as a sentence that was done and as one that was not.
const CHANGES: &[(&str, &str)] = &[
    ("Activated", "activate"),
    ("Added", "add"),
    ("Archived", "archive"),
    ("Associated", "associate"),
    ("Blocked", "block"),
    ("Bound", "bind"),
    ("Cancelled", "cancel"),
    ("Changed", "change"),
    ("Cleared", "clear"),
    ("Closed", "close"),
    ("Confirmed", "confirm"),
    ("Copied", "copy"),
    ("Created", "create"),
    ("Deactivated", "deactivate"),
    ("Deleted", "delete"),
    ("Deployed", "deploy"),
    ("Disabled", "disable"),
    ("Downloaded", "download"),
    ("Enabled", "enable"),
    ("Enlarged", "enlarge"),
    ("Exported", "export"),
    ("Gave", "give"),
    ("Imported", "import"),
    ("Installed", "install"),
    ("Locked", "lock"),
    ("Logged", "log"),
    ("Made", "make"),
    ("Marked", "mark"),
    ("Merged", "merge"),
    ("Moved", "move"),
    ("Opened", "open"),
    ("Paused", "pause"),
    ("Published", "publish"),
    ("Purged", "purge"),
    ("Ran", "run"),
    ("Rearranged", "rearrange"),
    ("Recorded", "record"),
    ("Reduced", "reduce"),
    ("Refunded", "refund"),
    ("Reloaded", "reload"),
    ("Removed", "remove"),
    ("Renamed", "rename"),
    ("Reordered", "reorder"),
    ("Replaced", "replace"),
    ("Reset", "reset"),
    ("Restarted", "restart"),
    ("Restored", "restore"),
    ("Resumed", "resume"),
    ("Revoked", "revoke"),
    ("Saved", "save"),
    ("Sent", "send"),
    ("Set", "set"),
    ("Signed", "sign"),
    ("Started", "start"),
    ("Stopped", "stop"),
    ("Suspended", "suspend"),
    ("Tested", "test"),
    ("Took", "take"),
    ("Triggered", "trigger"),
    ("Unbound", "unbind"),
    ("Unlocked", "unlock"),
    ("Updated", "update"),
    ("Uploaded", "upload"),
];

/// A sentence that goes on after a colon. A change was not made: "delete client 4711". Whatever
/// else keeps its words, the first letter small unless it begins an acronym: "viewed client 4711".
fn continued(action: &str) -> String {
    if let Some((verb, rest)) = action.split_once(' ')
        && let Some((_, infinitive)) = CHANGES.iter().find(|(done, _)| *done == verb)
    {
        return format!("{infinitive} {rest}");
    }
    let mut letters = action.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => action.to_owned(),
    }
}
