//! Who may have whom erased.

use std::sync::Arc;

use admintrail_event::fold;
use admintrail_store::control::{Account, ErasureState, Role, StoredErasure};

/// How pseudonyms begin; what follows is hexadecimal.
const PSEUDONYM: &str = "erased-";

/// On whose word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// An account, by its e-mail.
    Account(&'a str),
    /// Whoever sits at the shell, as the record names them.
    Shell(&'a str),
}

impl By<'_> {
    /// As the ledger says it.
    #[must_use]
    pub const fn name(&self) -> &str {
        match self {
            Self::Account(name) | Self::Shell(name) => name,
        }
    }
}

/// Whether somebody else has to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// There is nobody else.
    NotNeeded,
    /// A second owner has to.
    Needed,
}

/// Why not. Whoever asked may read it, and nobody else: some name the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum No {
    /// Only owners may.
    #[error("{0} is no owner who may sign in here. Only an owner may have somebody erased.")]
    NotOwner(String),
    /// Nobody erases himself.
    #[error("Nobody erases himself. Another owner has to ask for it.")]
    Yourself,
    /// Nor agrees to it.
    #[error("This is about yourself, so another owner has to decide.")]
    AboutYourself,
    /// The last owner stays.
    #[error(
        "This is the only owner. Make another owner first, who then disables this account and asks \
         for the erasure."
    )]
    OnlyOwner,
    /// Somebody who may still sign in would be known again at once.
    #[error(
        "The account {0} may still sign in here. Disable it first: admintrail account disable {0}"
    )]
    HasAccount(String),
    /// A person is erased once.
    #[error("This stands in the place of somebody who was erased; there is no name left to erase.")]
    Pseudonym,
    /// One request a person.
    #[error("That was asked for already; the list shows by whom.")]
    UnderWay,
    /// Two owners, and the other one is the person.
    #[error(
        "A second owner has to approve, and there is none but you who is not the person. Make another \
         owner first."
    )]
    NobodyToApprove,
    /// Two pairs of eyes.
    #[error("Whoever asked for it cannot approve it too; another owner has to.")]
    AskedYourself,
    /// It is done, under way or withdrawn.
    #[error("This request does not wait for anybody any more.")]
    NotWaiting,
}

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Every account.
    pub accounts: &'a [Arc<Account>],
    /// Every request.
    pub erasures: &'a [Arc<StoredErasure>],
}

impl Rules<'_> {
    /// Whether somebody may ask for a person to be erased, and whether another one has to agree.
    ///
    /// # Errors
    /// Why not.
    pub fn may_ask(&self, admin: &str, by: By<'_>) -> Result<Approval, No> {
        if is_pseudonym(admin) {
            return Err(No::Pseudonym);
        }
        self.may_decide(by)?;
        let mut owners = self.owners();
        if let (Some(only), None) = (owners.next(), owners.next())
            && is_person(only, admin)
        {
            return Err(No::OnlyOwner);
        }
        if self.is_the_person(by, admin) {
            return Err(No::Yourself);
        }
        self.may_not_sign_in(admin)?;
        let same = |one: &Arc<StoredErasure>| {
            (one.admin.as_deref()).is_some_and(|other| fold(other) == fold(admin))
        };
        if self.erasures.iter().any(same) {
            return Err(No::UnderWay);
        }
        if self.owners().count() < 2 {
            return Ok(Approval::NotNeeded);
        }
        let can_approve = |owner: &&Arc<Account>| {
            fold(&owner.email) != fold(by.name()) && !is_person(owner, admin)
        };
        match self.owners().find(can_approve) {
            Some(_) => Ok(Approval::Needed),
            None => Err(No::NobodyToApprove),
        }
    }

    /// Whether the account of this e-mail may approve a request.
    ///
    /// # Errors
    /// Why not.
    pub fn may_approve(&self, erasure: &StoredErasure, email: &str) -> Result<(), No> {
        let admin = waiting(erasure)?;
        self.may_decide(By::Account(email))?;
        if fold(&erasure.requested_by) == fold(email) {
            return Err(No::AskedYourself);
        }
        if self.is_the_person(By::Account(email), admin) {
            return Err(No::AboutYourself);
        }
        // It may have been made, or let in again, since somebody asked.
        self.may_not_sign_in(admin)
    }

    /// Whether somebody may take a request back.
    ///
    /// # Errors
    /// Why not.
    pub fn may_withdraw(&self, erasure: &StoredErasure, by: By<'_>) -> Result<(), No> {
        let admin = waiting(erasure)?;
        self.may_decide(by)?;
        if self.is_the_person(by, admin) {
            return Err(No::AboutYourself);
        }
        Ok(())
    }

    /// Whether there is any owner.
    #[must_use]
    pub fn has_owners(&self) -> bool {
        self.owners().next().is_some()
    }

    /// The one owner, if there is just one.
    #[must_use]
    pub fn only_owner(&self) -> Option<&Arc<Account>> {
        let mut owners = self.owners();
        owners.next().filter(|_| owners.next().is_none())
    }

    fn owners(&self) -> impl Iterator<Item = &Arc<Account>> {
        let owner = |account: &&Arc<Account>| account.role == Role::Owner && !account.disabled;
        self.accounts.iter().filter(owner)
    }

    fn account(&self, email: &str) -> Option<&Arc<Account>> {
        let email = fold(email);
        self.accounts
            .iter()
            .find(|account| fold(&account.email) == email)
    }

    /// The shell is the owner's of this machine.
    fn may_decide(&self, by: By<'_>) -> Result<(), No> {
        let By::Account(email) = by else {
            return Ok(());
        };
        let found = self.owners().any(|owner| fold(&owner.email) == fold(email));
        found
            .then_some(())
            .ok_or_else(|| No::NotOwner(email.to_owned()))
    }

    fn may_not_sign_in(&self, admin: &str) -> Result<(), No> {
        let account = self.account(admin).filter(|account| !account.disabled);
        account.map_or(Ok(()), |account| Err(No::HasAccount(account.email.clone())))
    }

    fn is_the_person(&self, by: By<'_>, admin: &str) -> bool {
        fold(by.name()) == fold(admin)
            || self
                .account(by.name())
                .is_some_and(|account| is_person(account, admin))
    }
}

fn waiting(erasure: &StoredErasure) -> Result<&str, No> {
    let admin = erasure.admin.as_deref();
    admin
        .filter(|_| erasure.state == ErasureState::Waiting)
        .ok_or(No::NotWaiting)
}

/// Whether an account is the person's: by its e-mail, or because it says "that is me".
fn is_person(account: &Account, admin: &str) -> bool {
    let admin = fold(admin);
    let me = |identity: &admintrail_store::Identity| fold(&identity.admin) == admin;
    fold(&account.email) == admin || account.identities.iter().any(me)
}

/// Whether a text is what stands in the place of somebody who was erased.
#[must_use]
pub fn is_pseudonym(text: &str) -> bool {
    text.strip_prefix(PSEUDONYM).is_some_and(|hex| {
        hex.len() >= 4
            && hex
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
    })
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
