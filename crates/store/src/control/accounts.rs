//! Who may sign in to Admintrail.

use std::sync::Arc;

use admintrail_event::fold;
use rusqlite::{Connection, OptionalExtension, params};

use super::memory::Memory;
use super::model::{Account, AccountId, NewAccount, Preferences, Role, SecretHash};
use super::{Control, Durable, database, sessions};
use crate::Identity;

impl Control {
    /// Every account, by e-mail.
    #[must_use]
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        let mut all: Vec<_> = self.memory().accounts.read().values().cloned().collect();
        all.sort_by(|a, b| a.email.cmp(&b.email).then(a.id.cmp(&b.id)));
        all
    }

    /// Whether anybody has an account.
    #[must_use]
    pub fn has_accounts(&self) -> bool {
        !self.memory().accounts.read().is_empty()
    }

    /// One account.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<Arc<Account>> {
        self.memory().accounts.read().get(&id).cloned()
    }

    /// The account of an e-mail, in any case.
    #[must_use]
    pub fn account_of_email(&self, email: &str) -> Option<Arc<Account>> {
        let folded = fold(email.trim());
        self.memory()
            .accounts
            .read()
            .values()
            .find(|account| fold(&account.email) == folded)
            .cloned()
    }

    /// Makes an account. `None`: the e-mail is taken.
    pub fn add_account(&self, new: NewAccount) -> Durable<Option<Arc<Account>>> {
        self.change(
            move |connection| insert(connection, &new),
            |memory, made| made.inspect(|account| memory.show(account)),
        )
    }

    /// Sets a new password hash (PHC form) and ends the account's sessions but `keep`.
    /// `false`: no such account.
    pub fn set_password(
        &self,
        id: AccountId,
        phc: String,
        keep: Option<SecretHash>,
    ) -> Durable<bool> {
        self.change(
            move |connection| {
                sessions::delete_of(connection, id, keep)?;
                let sql = "UPDATE accounts SET password_hash = ?2 WHERE id = ?1";
                connection
                    .prepare_cached(sql)?
                    .execute(params![id.0, phc])?;
                database::account(connection, id)
            },
            move |memory, account| {
                memory.end_sessions_of(id, keep);
                memory.show_found(account)
            },
        )
    }

    /// Lets an account in or keeps it out; keeping it out ends its sessions. `false`: no such account.
    pub fn set_disabled(&self, id: AccountId, disabled: bool) -> Durable<bool> {
        self.change(
            move |connection| {
                if disabled {
                    sessions::delete_of(connection, id, None)?;
                }
                let sql = "UPDATE accounts SET disabled = ?2 WHERE id = ?1";
                connection
                    .prepare_cached(sql)?
                    .execute(params![id.0, disabled])?;
                database::account(connection, id)
            },
            move |memory, account| {
                if disabled {
                    memory.end_sessions_of(id, None);
                }
                memory.show_found(account)
            },
        )
    }

    /// Sets what an account may do. `false`: no such account.
    pub fn set_role(&self, id: AccountId, role: Role) -> Durable<bool> {
        self.set(
            "UPDATE accounts SET role = ?2 WHERE id = ?1",
            id,
            role.as_str().to_owned(),
        )
    }

    /// Sets the name to show. `false`: no such account.
    pub fn set_name(&self, id: AccountId, name: String) -> Durable<bool> {
        self.set("UPDATE accounts SET name = ?2 WHERE id = ?1", id, name)
    }

    /// Sets what the person has set. `false`: no such account.
    pub fn set_preferences(&self, id: AccountId, preferences: &Preferences) -> Durable<bool> {
        // A struct of plain fields always serialises; were it not so, the defaults are kept.
        let json = serde_json::to_string(preferences).unwrap_or_else(|_| "{}".to_owned());
        self.set(
            "UPDATE accounts SET preferences = ?2 WHERE id = ?1",
            id,
            json,
        )
    }

    /// Sets which panel identities are "me". `false`: no such account.
    pub fn set_identities(&self, id: AccountId, identities: Vec<Identity>) -> Durable<bool> {
        self.change(
            move |connection| {
                if database::account(connection, id)?.is_none() {
                    return Ok(None);
                }
                write_identities(connection, id, &identities)?;
                database::account(connection, id)
            },
            |memory, account| memory.show_found(account),
        )
    }

    fn set(&self, sql: &'static str, id: AccountId, value: String) -> Durable<bool> {
        self.change(
            move |connection| {
                connection
                    .prepare_cached(sql)?
                    .execute(params![id.0, value])?;
                database::account(connection, id)
            },
            |memory, account| memory.show_found(account),
        )
    }
}

impl Memory {
    pub(super) fn show(&self, account: &Arc<Account>) {
        self.accounts
            .write()
            .insert(account.id, Arc::clone(account));
    }

    /// Whether there was one to show.
    pub(super) fn show_found(&self, account: Option<Account>) -> bool {
        account
            .map(|account| self.show(&Arc::new(account)))
            .is_some()
    }
}

/// `None`: the e-mail is taken.
pub(super) fn insert(
    connection: &Connection,
    new: &NewAccount,
) -> rusqlite::Result<Option<Arc<Account>>> {
    let sql = "INSERT INTO accounts (email, email_folded, name, password_hash, role, created) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (email_folded) DO NOTHING RETURNING id";
    let (email, role) = (new.email.trim(), new.role.as_str());
    let row = params![
        email,
        fold(email),
        new.name,
        new.password_hash,
        role,
        new.created.0
    ];
    let id: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(row, |row| row.get(0))
        .optional()?;
    let Some(id) = id.map(AccountId) else {
        return Ok(None);
    };
    write_identities(connection, id, &new.identities)?;
    Ok(database::account(connection, id)?.map(Arc::new))
}

fn write_identities(
    connection: &Connection,
    id: AccountId,
    identities: &[Identity],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM identities WHERE account = ?1")?
        .execute([id.0])?;
    let sql = "INSERT INTO identities (account, place, panel, admin) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = connection.prepare_cached(sql)?;
    for (place, identity) in (0_i64..).zip(identities) {
        let panel = identity
            .panel
            .as_ref()
            .map(admintrail_event::PanelName::as_str);
        statement.execute(params![id.0, place, panel, identity.admin])?;
    }
    Ok(())
}
