//! Answers that show whether an undecided session is alive.
//!
//! Some panels show their form, with 200, under the address of any page. So where an answer would
//! prove something, and only there, a page is looked into before it does.

use admintrail_event::{KnownBy, Micros};

use super::{Exchange, Finding, Fresh, Naming, Peek, bind};
use crate::Recorder;
use crate::identity::{Credential, Undecided, reply};

/// What is proven if the page is no sign-in form.
pub(crate) struct ProofPeek(Vec<Proven>);

/// A session that this answer shows to be alive.
struct Proven {
    undecided: Undecided,
    /// The panel had sent it away once.
    doubted: bool,
    /// What the request carried, and what the answer has set in its place.
    fresh: Vec<Fresh>,
}

/// Takes over that the answer proves these.
pub(super) fn on_head(exchange: &Exchange<'_>, proven: &[&Credential], finding: &mut Finding) {
    if proven.is_empty() {
        return;
    }
    let set = exchange.fresh_cookies();
    let proven: Vec<Proven> = proven
        .iter()
        .filter_map(|credential| {
            let undecided = credential.pending.clone()?;
            let mut fresh = vec![Fresh {
                hash: credential.hash,
                cookie: credential.cookie.clone(),
                until: undecided.until,
            }];
            let anew = set.iter().filter(|it| {
                it.cookie.is_some() && it.cookie == credential.cookie && it.hash != credential.hash
            });
            fresh.extend(anew.cloned());
            Some(Proven {
                undecided,
                doubted: credential.doubted,
                fresh,
            })
        })
        .collect();
    if exchange.is_html() && !exchange.empty {
        if exchange.is_encoded() {
            // It cannot be read, so it may be the form: the next page decides.
            return;
        }
        finding.peek = Some(Box::new(Peek::Proof(ProofPeek(proven))));
    } else {
        accept(exchange.recorder, &proven, exchange.now, finding);
    }
}

fn accept(recorder: &Recorder, proven: &[Proven], now: Micros, finding: &mut Finding) {
    for it in proven {
        let Undecided {
            typed_on,
            admin,
            session,
            acting_as,
            ..
        } = &it.undecided;
        if !it.doubted {
            recorder.memory().decided_rightly();
            recorder.memory().tell(*session, true);
            if let Some(route) = typed_on {
                recorder.memory().signed_in_on(route);
            }
        }
        let whom = (admin.as_str(), acting_as.as_deref());
        finding
            .saved
            .extend(bind(recorder, whom, *session, &it.fresh, now));
        finding.naming = Naming::Admin {
            admin: admin.clone(),
            known_by: KnownBy::Session,
            session: *session,
            acting_as: acting_as.clone(),
        };
    }
}

impl ProofPeek {
    /// Looks into the body so far. `None`: more of it is needed.
    pub(super) fn decide(
        &self,
        recorder: &Recorder,
        body: Option<&[u8]>,
        last: bool,
        now: Micros,
    ) -> Option<Finding> {
        let mut finding = Finding::new(Naming::Keep);
        // A form stands at the start of its page, however long that is.
        let form = body.is_none_or(reply::shows_sign_in_form);
        if !form && !last {
            return None;
        }
        if !form {
            accept(recorder, &self.0, now, &mut finding);
        }
        Some(finding)
    }
}
