//! Asking for a person to be erased, agreeing, and taking it back: for pages and commands alike.

use std::sync::Arc;

use admintrail_event::{Limits, Micros, clip, encode_bytes, fold};
use admintrail_store::control::{ErasureId, NewErasure, StoredErasure};
use admintrail_store::{Control, FacetField, StoreError, Trail, View};

use super::rules::{Approval, By, No, Rules};
use crate::auth::secret::random;

/// Longest reason.
const REASON: usize = 1_000;
/// Ids that are named when nobody has the one that was asked for.
const NEAR: usize = 3;
/// Ids that are looked through for them.
const AMONG: usize = 1_000;

/// What there is of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The id as it is written on record.
    pub admin: String,
    /// Events that the person made.
    pub events: u64,
    /// On which panels.
    pub panels: Vec<String>,
    /// The first and the last; `None`: only sessions, tokens or an account are known.
    pub times: Option<(Micros, Micros)>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A rule.
    #[error("{0}")]
    No(#[from] No),
    /// No id, or one that is nobody's.
    #[error("{0}")]
    Nobody(String),
    /// No reason, or one that is too long.
    #[error("{0}")]
    Reason(&'static str),
    /// There is no such request.
    #[error("There is no such request.")]
    NoSuch,
    /// The store could not.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The system gives no randomness, or so.
    #[error("{0}")]
    Failed(String),
}

/// What there is of a person, by the whole id in any case. May read the archive.
///
/// # Errors
/// If nothing is, or it cannot be read.
pub fn find(trail: &Trail, control: &Control, admin: &str) -> Result<Found, Refusal> {
    let admin = clip(encode_bytes(admin.trim().as_bytes()), Limits::TEXT).0;
    if admin.is_empty() {
        return Err(Refusal::Nobody(
            "Say who: the whole id, as the list of admins shows it.".to_owned(),
        ));
    }
    if super::is_pseudonym(&admin) {
        return Err(No::Pseudonym.into());
    }
    if let Some(traces) = trail.traces(&admin)? {
        return Ok(Found {
            admin: traces.admin,
            events: traces.own,
            panels: traces.panels,
            times: Some(traces.times),
        });
    }
    if control.names(&admin) {
        return Ok(Found {
            admin,
            events: 0,
            panels: Vec::new(),
            times: None,
        });
    }
    let near = near(trail, &admin)?;
    let hint = match near.as_slice() {
        [] => "Give the whole id, as the list of admins shows it.".to_owned(),
        near => format!("Near it: {}.", near.join(", ")),
    };
    Err(Refusal::Nobody(format!(
        "Nobody on record has the id {admin} (STORE-013). {hint}"
    )))
}

/// Ids on record that have to do with this one.
fn near(trail: &Trail, admin: &str) -> Result<Vec<String>, StoreError> {
    let wanted = fold(admin);
    let user = |id: &str| id.split('@').next().unwrap_or_default().to_owned();
    let is_near = |id: &String| {
        let id = fold(id);
        let same_user = user(&id) == user(&wanted);
        same_user || id.contains(&wanted) || (id.len() >= 3 && wanted.contains(&id))
    };
    let groups = trail.groups(&View::default(), FacetField::Admin, AMONG)?;
    let ids = groups.rows.into_iter().filter_map(|group| group.value);
    Ok(ids
        .filter(|id| !super::is_pseudonym(id))
        .filter(is_near)
        .take(NEAR)
        .collect())
}

/// Asks for a person to be erased. Blocks for as long as the disk takes.
///
/// # Errors
/// Why not.
pub fn ask(
    (trail, control): (&Trail, &Control),
    admin: &str,
    reason: &str,
    by: By<'_>,
    now: Micros,
) -> Result<Arc<StoredErasure>, Refusal> {
    let reason = encode_bytes(reason.trim().as_bytes());
    if reason.is_empty() {
        return Err(Refusal::Reason(
            "Say why. It is kept here, and sealed in the ledger without being told.",
        ));
    }
    if reason.len() > REASON {
        return Err(Refusal::Reason("Say it in at most 1,000 bytes."));
    }
    let found = find(trail, control, admin)?;
    let (accounts, erasures) = (control.accounts(), control.erasures());
    let rules = Rules {
        accounts: &accounts,
        erasures: &erasures,
    };
    let approval = rules.may_ask(&found.admin, by)?;
    let failed = |error: crate::WebError| {
        Refusal::Failed(error.cause().unwrap_or_else(|| error.to_string()))
    };
    let new = NewErasure {
        admin: found.admin.clone(),
        pseudonym: unused(trail, &erasures)?,
        requested_by: by.name().to_owned(),
        requested_at: now,
        reason,
        blind: random().map_err(failed)?,
        waits: approval == Approval::Needed,
    };
    let made = control.add_erasure(new).wait()?;
    // Somebody was quicker.
    made.ok_or_else(|| No::UnderWay.into())
}

/// A pseudonym that is not promised to anybody either.
fn unused(trail: &Trail, erasures: &[Arc<StoredErasure>]) -> Result<String, StoreError> {
    loop {
        let pseudonym = trail.pseudonym()?;
        if erasures.iter().all(|one| one.pseudonym != pseudonym) {
            return Ok(pseudonym);
        }
    }
}

/// A second owner agrees; who that is must have been proven before.
///
/// # Errors
/// Why not.
pub fn approve(
    control: &Control,
    id: ErasureId,
    email: &str,
    now: Micros,
) -> Result<Arc<StoredErasure>, Refusal> {
    let erasure = control.erasure(id).ok_or(Refusal::NoSuch)?;
    let accounts = control.accounts();
    let rules = Rules {
        accounts: &accounts,
        erasures: &[],
    };
    rules.may_approve(&erasure, email)?;
    let account = control.account_of_email(email);
    let email = account.map_or_else(|| email.to_owned(), |account| account.email.clone());
    let approved = control.approve_erasure(id, email, now).wait()?;
    approved.ok_or_else(|| No::NotWaiting.into())
}

/// It is taken back; nothing was changed, and whom it was about is forgotten.
///
/// # Errors
/// Why not.
pub fn withdraw(
    control: &Control,
    id: ErasureId,
    by: By<'_>,
    now: Micros,
) -> Result<Arc<StoredErasure>, Refusal> {
    let erasure = control.erasure(id).ok_or(Refusal::NoSuch)?;
    let accounts = control.accounts();
    let rules = Rules {
        accounts: &accounts,
        erasures: &[],
    };
    rules.may_withdraw(&erasure, by)?;
    let withdrawn = control.withdraw_erasure(id, now).wait()?;
    let withdrawn = withdrawn.ok_or(No::NotWaiting)?;
    // Of somebody who stays on record a copy of the name may lie in the file a while longer.
    if let Err(error) = control.scrub().wait() {
        tracing::warn!(code = error.code(), %error, "control.db could not be rewritten after an erasure was withdrawn");
    }
    Ok(withdrawn)
}
