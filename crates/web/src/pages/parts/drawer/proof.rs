//! Whether the event is in the ledger: computed for this very answer, and no more said than that.

use admintrail_event::Event;
use admintrail_store::{ProofState, Proven, ProvenErased};

use crate::Anchor;
use crate::pages::scene::Scene;
use crate::pages::wording::number::{counted, grouped};

/// The badge and what is behind it.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    /// `ok`, `in`, `wait` or `bad`.
    pub(crate) class: &'static str,
    pub(crate) icon: &'static str,
    /// For programs: `anchored`, `proven`, `waiting`, `erased`, `rewriting`, `outside`, `failed`,
    /// `unread`.
    pub(crate) word: &'static str,
    pub(crate) text: String,
    pub(crate) about: String,
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Where it is as JSON.
    pub(crate) json: String,
}

impl Proof {
    pub(crate) fn of(scene: &Scene, event: &Event) -> Self {
        let (class, icon, word, text, about) = match scene.app.trail.prove(event) {
            Ok(ProofState::Proven(proven)) => {
                return Self::proven(scene, event, &proven);
            }
            Ok(ProofState::Waiting) => (
                "wait",
                "clock",
                "waiting",
                "Not in the ledger yet; about a second".to_owned(),
                "It is durable. The block that it is in closes within about a second, and is signed \
                 then.",
            ),
            Ok(ProofState::Erased(proven)) => {
                return Self::erased(scene, event, &proven);
            }
            Ok(ProofState::Rewriting) => (
                "wait",
                "clock",
                "rewriting",
                "Being erased or removed just now".to_owned(),
                "A statement in the ledger says so. Look again when it is done.",
            ),
            Ok(ProofState::Outside) => (
                "wait",
                "info",
                "outside",
                "Recorded before the ledger began".to_owned(),
                "The ledger says nothing of it, and a statement in the ledger says that it does not.",
            ),
            Ok(ProofState::Failed(says)) => (
                "bad",
                "warning",
                "failed",
                format!("Not as the ledger has it: {says}"),
                "This event, its neighbours or the ledger were changed after they were recorded. Do \
                 not rely on what is shown here, and run admintrail verify.",
            ),
            Err(error) => {
                let code = error.code();
                tracing::error!(code, %error, seq = event.seq.0, "an event could not be proven");
                (
                    "wait",
                    "warning",
                    "unread",
                    "Could not be looked up in the ledger".to_owned(),
                    "The log names the cause.",
                )
            }
        };
        Self {
            class,
            icon,
            word,
            text,
            about: about.to_owned(),
            facts: vec![("Number", grouped(event.seq.0))],
            json: json(event),
        }
    }

    fn erased(scene: &Scene, event: &Event, proven: &ProvenErased) -> Self {
        let said = proven.statement.declared();
        let entry = proven.proof.statement().index();
        let mut facts = vec![
            ("Number", grouped(event.seq.0)),
            ("Ledger entry", grouped(proven.entry)),
            ("Erasure", format!("entry {}", grouped(entry))),
            ("Decided by", said.by.clone()),
        ];
        if let Some(approved_by) = &said.approved_by {
            facts.push(("Approved by", approved_by.clone()));
        }
        facts.push(("Checkpoint", counted(proven.entries, "entry", "entries")));
        let anchor = scene.app.anchors.read().covering(entry).cloned();
        if let Some(anchor) = &anchor {
            let at = scene.face.brief(anchor.at);
            facts.push(("Anchor", format!("{at} at {}", anchor.place)));
        }
        Self {
            class: "in",
            icon: "check",
            word: "erased",
            text: format!(
                "Erased {}; the row is what the erasure left, proven against the ledger",
                scene.face.brief(said.at)
            ),
            about: format!(
                "Computed just now: the ledger says that the erasure rewrote {}, and what it left; \
                 this row is a part of just that. What it was before cannot be told any more: its hash \
                 alone still stands in its place of the ledger.",
                counted(said.events, "event", "events")
            ),
            facts,
            json: json(event),
        }
    }

    fn proven(scene: &Scene, event: &Event, proven: &Proven) -> Self {
        let (anchor, is_here) = {
            let anchors = scene.app.anchors.read();
            let anchor = anchors.covering(proven.entry).cloned();
            let is_here = anchor.as_ref().is_some_and(|it| anchors.is_here(it));
            (anchor, is_here)
        };
        let mut facts = vec![
            ("Number", grouped(event.seq.0)),
            ("Ledger entry", grouped(proven.entry)),
            ("Checkpoint", counted(proven.entries, "entry", "entries")),
        ];
        let computed = "Computed just now: the event’s hash leads to the signed checkpoint.";
        match anchor {
            Some(Anchor { place, at, .. }) if is_here => Self {
                class: "in",
                icon: "check",
                word: "proven",
                text: format!(
                    "In the ledger, kept {} on this machine’s own disk",
                    scene.face.brief(at)
                ),
                about: format!(
                    "{computed} A checkpoint that covers it lies at {place}, on the disk of the data \
                     folder: who owns this machine could still rewrite both."
                ),
                facts,
                json: json(event),
            },
            Some(Anchor {
                place, at, size, ..
            }) => {
                facts.push(("Anchor", counted(size, "entry", "entries")));
                Self {
                    class: "ok",
                    icon: "check",
                    word: "anchored",
                    text: format!(
                        "In the ledger, anchored {} at {place}",
                        scene.face.brief(at)
                    ),
                    about: format!(
                        "{computed} A checkpoint that covers it lies at {place}, so that nobody here \
                         can change it unnoticed."
                    ),
                    facts,
                    json: json(event),
                }
            }
            None => Self {
                class: "in",
                icon: "check",
                word: "proven",
                text: "In the ledger, not anchored yet".to_owned(),
                about: format!(
                    "{computed} Nobody else is known to keep a checkpoint that covers it: who owns \
                     this machine could still rewrite it."
                ),
                facts,
                json: json(event),
            },
        }
    }
}

fn json(event: &Event) -> String {
    format!("/api/v1/events/{}/proof", event.draft.id)
}
