//! Erasing a person, as commands ask for it. What is recorded of that names the pseudonym alone.

use std::time::Duration;

use admintrail_event::{Micros, fold};
use admintrail_store::control::{ErasureId, ErasureState, StoredErasure};
use admintrail_store::{Control, Trail};
use admintrail_web::Erasing;
use admintrail_web::auth::password;
use admintrail_web::erasing::{self, Approval, By, Found, No, Refusal, Rules};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::desk::{shown, store};
use super::protocol::{ErasureShown, Refused, TracesShown};

/// What to record of an answer: command, action, object.
type Note = (&'static str, String, String);

/// After a wrong password.
const PAUSE: Duration = Duration::from_secs(1);

/// Everything that is asked of erasures.
pub(super) struct Erasures<'a> {
    pub(super) trail: &'a Trail,
    pub(super) control: &'a Control,
    pub(super) erasing: &'a Erasing,
    /// Whoever sits at the shell.
    pub(super) user: &'a str,
    pub(super) now: Micros,
}

/// An owner who is named, with the password that proves it.
type Named = (Option<String>, Option<SecretString>);

/// On whose word: an account, or whoever sits at the shell.
enum Decider {
    Account(String),
    Shell(String),
}

impl Decider {
    fn by(&self) -> By<'_> {
        match self {
            Self::Account(email) => By::Account(email),
            Self::Shell(user) => By::Shell(user),
        }
    }

    /// ` as olena@example.org`
    fn words(&self) -> String {
        match self {
            Self::Account(email) => format!(" as {email}"),
            Self::Shell(_) => String::new(),
        }
    }
}

impl Erasures<'_> {
    /// What there is of a person, or why it may not be erased.
    pub(super) fn traces(&self, admin: &str, by: Option<String>) -> Result<Value, Refused> {
        let Found {
            admin,
            events,
            panels,
            times,
        } = erasing::find(self.trail, self.control, admin).map_err(refused)?;
        let (accounts, erasures) = (self.control.accounts(), self.control.erasures());
        let rules = Rules {
            accounts: &accounts,
            erasures: &erasures,
        };
        self.is_somebody_else(&admin)?;
        let by = self.decider(by);
        let approval = rules.may_ask(&admin, by.by());
        let approval = approval.map_err(|no| refused(no.into()))?;
        shown(&TracesShown {
            admin,
            events,
            panels,
            first: times.map(|(first, _)| first.to_string()),
            last: times.map(|(_, last)| last.to_string()),
            needs_approval: approval == Approval::Needed,
        })
    }

    /// Whoever sits at the shell is on record, too, and erases nothing of that.
    fn is_somebody_else(&self, admin: &str) -> Result<(), Refused> {
        if fold(admin.trim()) == fold(self.user) {
            return Err(refused(No::Yourself.into()));
        }
        Ok(())
    }

    /// Asks for a person to be erased.
    pub(super) fn ask(
        &self,
        admin: &str,
        reason: &str,
        by: Named,
    ) -> Result<(Value, Option<Note>), Refused> {
        let by = self.proven(by)?;
        self.is_somebody_else(admin)?;
        let rooms = (self.trail, self.control);
        let asked = erasing::ask(rooms, admin, reason, by.by(), self.now).map_err(refused)?;
        self.erasing.ring();
        let action = format!("Asked for a person to be erased{}", by.words());
        self.done("erase", action, &asked)
    }

    /// A second owner agrees.
    pub(super) fn approve(
        &self,
        id: i64,
        email: &str,
        password: &SecretString,
    ) -> Result<(Value, Option<Note>), Refused> {
        self.is_password(email, password)?;
        let approved = erasing::approve(self.control, ErasureId(id), email, self.now);
        let approved = approved.map_err(refused)?;
        self.erasing.ring();
        let action = format!("Approved an erasure as {email}");
        self.done("erase/approve", action, &approved)
    }

    /// Takes a request back.
    pub(super) fn withdraw(&self, id: i64, by: Named) -> Result<(Value, Option<Note>), Refused> {
        let by = self.proven(by)?;
        let withdrawn = erasing::withdraw(self.control, ErasureId(id), by.by(), self.now);
        let withdrawn = withdrawn.map_err(refused)?;
        let action = format!("Withdrew an erasure{}", by.words());
        self.done("erase/withdraw", action, &withdrawn)
    }

    /// All of them.
    pub(super) fn list(&self) -> Result<Value, Refused> {
        let all = self.control.erasures();
        let all: Vec<ErasureShown> = all.iter().map(|one| self.shown(one)).collect();
        shown(&all)
    }

    fn done(
        &self,
        command: &'static str,
        action: String,
        erasure: &StoredErasure,
    ) -> Result<(Value, Option<Note>), Refused> {
        let object = format!("erasure/{}", erasure.pseudonym);
        Ok((
            shown(&self.shown(erasure))?,
            Some((command, action, object)),
        ))
    }

    fn shown(&self, erasure: &StoredErasure) -> ErasureShown {
        let goes_on = erasure.state == ErasureState::Approved;
        let under_way = self
            .trail
            .erasing()
            .filter(|(pseudonym, _)| goes_on && *pseudonym == erasure.pseudonym);
        let moment = |at: Option<Micros>| at.map(|at| at.to_string());
        ErasureShown {
            id: erasure.id.0,
            state: erasure.state.as_str().to_owned(),
            admin: erasure.admin.clone(),
            pseudonym: erasure.pseudonym.clone(),
            requested_by: erasure.requested_by.clone(),
            requested_at: erasure.requested_at.to_string(),
            approved_by: erasure.approved_by.clone(),
            approved_at: moment(erasure.approved_at),
            reason: erasure.reason.clone(),
            events: erasure.events,
            entry: erasure.entry,
            ended_at: moment(erasure.done_at),
            progress: under_way.map(|(_, progress)| (progress.done, progress.of)),
            failing: self
                .erasing
                .failing()
                .filter(|_| goes_on)
                .map(|(_, cause)| cause),
        }
    }

    fn is_password(&self, email: &str, password: &SecretString) -> Result<(), Refused> {
        let account = self.control.account_of_email(email);
        let phc = account
            .as_ref()
            .and_then(|account| account.password_hash.as_deref());
        if password::is_right(password.expose_secret(), phc) {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
        Err(Refused::usage(format!(
            "this is not the password of {email}"
        )))
    }

    /// Where two owners have to decide, whoever is named has to prove it: or one of them were enough.
    fn proven(&self, (by, password): Named) -> Result<Decider, Refused> {
        let accounts = self.control.accounts();
        let rules = Rules {
            accounts: &accounts,
            erasures: &[],
        };
        if let Some(email) = &by
            && rules.has_owners()
            && rules.only_owner().is_none()
        {
            let Some(password) = password else {
                return Err(Refused::usage(format!(
                    "there is more than one owner: prove to be {email} with --password-stdin, or leave \
                     --by out"
                )));
            };
            self.is_password(email, &password)?;
        }
        Ok(self.decider(by))
    }

    /// Who is named; else the one owner, if there is just one; else whoever sits at the shell.
    fn decider(&self, by: Option<String>) -> Decider {
        let accounts = self.control.accounts();
        let rules = Rules {
            accounts: &accounts,
            erasures: &[],
        };
        match by.or_else(|| rules.only_owner().map(|owner| owner.email.clone())) {
            Some(email) => Decider::Account(email),
            None => Decider::Shell(self.user.to_owned()),
        }
    }
}

fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Store(error) => store(error),
        Refusal::Failed(cause) => Refused::failed(cause),
        other => Refused::usage(other.to_string()),
    }
}
