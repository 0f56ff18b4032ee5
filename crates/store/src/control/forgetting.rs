//! Forgetting a person everywhere in `control.db` but in the erasure itself.

use std::sync::Arc;

use admintrail_event::{PanelName, fold, names_person};
use rusqlite::{Connection, ToSql, params};
use serde_json::Value;

use super::erasures::StoredErasure;
use super::memory::Memory;
use super::model::{Account, AccountId, ApiToken, TokenId};
use super::writer::Work;
use super::{ANCHOR_PLACES, Control, Durable, database, durable, erasures};
use crate::erasure::without;

/// The domain of an erased account: no mail ever goes to it (RFC 2606).
const NOWHERE: &str = "erased.invalid";

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Sessions of panels that were bound to the person.
    pub bindings: usize,
    /// Tokens and basic users that were said to be the person's.
    pub identities: usize,
    /// Whether an account was.
    pub account: bool,
}

/// Somebody, by the whole id, folded.
#[derive(Clone)]
struct Person {
    folded: String,
    pseudonym: String,
}

impl Control {
    /// Forgets a person, by the whole id in any case: sessions and mapped identities go, and wherever
    /// else the id stands the pseudonym does afterwards. An account of that e-mail that is disabled
    /// stays as one of nobody, so that what it did is not anybody else's; one that is not is left
    /// alone. A second time it finds nothing. See [`Self::scrub`].
    pub fn forget_admin(&self, admin: &str, pseudonym: &str) -> Durable<Forgotten> {
        let person = Person {
            folded: fold(admin),
            pseudonym: pseudonym.to_owned(),
        };
        let shown = person.clone();
        self.change(
            move |connection| {
                let forgotten = person.forget(connection)?;
                Ok((forgotten, Remembered::read(connection)?))
            },
            move |memory, (forgotten, remembered)| {
                memory.forget(&shown, remembered);
                forgotten
            },
        )
    }

    /// Leaves nothing in the files of what was deleted or replaced: the database is written anew and
    /// its log emptied. Fails while somebody else reads in it; then try again later.
    pub fn scrub(&self) -> Durable<()> {
        let (ack, durable) = durable::pair();
        self.send(Work::Scrub(ack));
        durable
    }

    /// Whether the person's id stands anywhere here but in an erasure.
    #[must_use]
    pub fn names(&self, admin: &str) -> bool {
        let folded = fold(admin);
        let is = |text: &str| fold(text) == folded;
        let memory = self.memory();
        let bound = memory.bindings.read().values().any(|panel| {
            panel.known.contains(folded.as_str())
                || panel.by_credential.values().any(|live| {
                    is(&live.binding.admin) || live.binding.acting_as.as_deref().is_some_and(is)
                })
        });
        bound
            || self.account_of_email(admin).is_some()
            || self
                .identities()
                .iter()
                .any(|mapped| is(&mapped.admin) || mapped.basic_user.as_deref().is_some_and(is))
    }
}

/// What the database has afterwards of that of which there is little.
struct Remembered {
    accounts: Vec<Account>,
    tokens: Vec<(TokenId, String)>,
    settings: Vec<(String, String)>,
    erasures: Vec<StoredErasure>,
    learned: Vec<(PanelName, Vec<u8>)>,
}

impl Remembered {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let ids: Vec<AccountId> = database::rows(connection, "SELECT id FROM accounts", |row| {
            row.get(0).map(AccountId)
        })?;
        let mut accounts = Vec::new();
        for id in ids {
            accounts.extend(database::account(connection, id)?);
        }
        Ok(Self {
            accounts,
            tokens: database::rows(connection, "SELECT id, name FROM tokens", |row| {
                Ok((TokenId(row.get(0)?), row.get(1)?))
            })?,
            settings: database::rows(connection, "SELECT name, value FROM settings", |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?,
            erasures: erasures::all(connection)?,
            learned: learned_rows(connection)?,
        })
    }
}

impl Memory {
    fn forget(&self, person: &Person, remembered: Remembered) {
        for panel in self.bindings.write().values_mut() {
            panel.known.remove(person.folded.as_str());
            panel
                .by_credential
                .retain(|_, live| !person.is(&live.binding.admin));
            for live in panel.by_credential.values_mut() {
                if live
                    .binding
                    .acting_as
                    .as_deref()
                    .is_some_and(|it| person.is(it))
                {
                    live.binding.acting_as = Some(Arc::from(person.pseudonym.as_str()));
                }
            }
        }
        for panel in self.mapped.write().values_mut() {
            panel.retain(|_, mapped| {
                !person.is(&mapped.admin)
                    && !mapped.basic_user.as_deref().is_some_and(|it| person.is(it))
            });
        }
        self.ended
            .rename(|by| person.is(by), &Arc::from(person.pseudonym.as_str()));
        let erased = format!("{}@{NOWHERE}", person.pseudonym);
        for account in remembered.accounts {
            if account.email == erased {
                self.end_sessions_of(account.id, None);
                let mut links = self.links.write();
                links.retain(|_, link| link.account != Some(account.id));
            }
            self.show(&Arc::new(account));
        }
        let mut tokens = self.tokens.write();
        for (id, name) in remembered.tokens {
            if let Some(live) = tokens.all.get_mut(&id)
                && live.token.name != name
            {
                let token = ApiToken::clone(&live.token);
                live.token = Arc::new(ApiToken { name, ..token });
            }
        }
        drop(tokens);
        let settings = remembered.settings.into_iter();
        self.settings
            .write()
            .extend(settings.map(|(name, value)| (name, Arc::from(value))));
        self.learned.write().extend(remembered.learned);
        for erasure in remembered.erasures {
            self.show_erasure(erasure);
        }
    }
}

impl Person {
    fn is(&self, text: &str) -> bool {
        fold(text) == self.folded
    }

    fn forget(&self, connection: &Connection) -> rusqlite::Result<Forgotten> {
        let bindings = self.forget_bindings(connection)?;
        let identities = self.forget_mapped(connection)?;
        let sql = "DELETE FROM known_admins WHERE admin = ?1";
        connection.prepare_cached(sql)?.execute([&self.folded])?;
        self.replace(connection, "ended_sessions", "by")?;
        self.replace(connection, "erasures", "requested_by")?;
        self.replace(connection, "erasures", "approved_by")?;
        self.forget_in_reasons(connection)?;
        self.forget_me(connection)?;
        self.rename_tokens(connection)?;
        self.forget_in_settings(connection)?;
        self.forget_in_learned(connection)?;
        let account = self.forget_account(connection)?;
        Ok(Forgotten {
            bindings,
            identities,
            account,
        })
    }

    fn forget_bindings(&self, connection: &Connection) -> rusqlite::Result<usize> {
        let own = self.values(connection, "SELECT DISTINCT admin FROM bindings")?;
        let mut gone = 0;
        for admin in own {
            let sql = "DELETE FROM bindings WHERE admin = ?1";
            gone += connection.prepare_cached(sql)?.execute([admin])?;
        }
        self.replace(connection, "bindings", "acting_as")?;
        Ok(gone)
    }

    fn forget_mapped(&self, connection: &Connection) -> rusqlite::Result<usize> {
        let mut gone = 0;
        for column in ["admin", "basic_user"] {
            let sql = format!("SELECT DISTINCT {column} FROM mapped_identities");
            for value in self.values(connection, &sql)? {
                let sql = format!("DELETE FROM mapped_identities WHERE {column} = ?1");
                gone += connection.prepare_cached(&sql)?.execute([value])?;
            }
        }
        Ok(gone)
    }

    /// "Me" of accounts, for Hide me.
    fn forget_me(&self, connection: &Connection) -> rusqlite::Result<()> {
        for admin in self.values(connection, "SELECT DISTINCT admin FROM identities")? {
            let sql = "DELETE FROM identities WHERE admin = ?1";
            connection.prepare_cached(sql)?.execute([admin])?;
        }
        Ok(())
    }

    /// A token may have the name of who uses it; two of one name stay two.
    fn rename_tokens(&self, connection: &Connection) -> rusqlite::Result<()> {
        for name in self.values(connection, "SELECT DISTINCT name FROM tokens")? {
            let sql = "UPDATE tokens SET name = ?2 || '-' || id WHERE name = ?1";
            connection
                .prepare_cached(sql)?
                .execute(params![name, self.pseudonym])?;
        }
        Ok(())
    }

    /// A setting is a text or JSON; who asked for a verification stands in one.
    fn forget_in_settings(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "SELECT name, value FROM settings";
        let mut statement = connection.prepare_cached(sql)?;
        let all: Vec<(String, String)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (name, value) in all {
            let changed = if name == ANCHOR_PLACES {
                self.without_mailbox(&value)
            } else {
                self.without_in(&value)
            };
            let Some(changed) = changed else {
                continue;
            };
            let sql = "UPDATE settings SET value = ?2 WHERE name = ?1";
            connection
                .prepare_cached(sql)?
                .execute(params![name, changed])?;
        }
        Ok(())
    }

    /// The places for checkpoints without the person's mailbox: nothing is sent there any more.
    fn without_mailbox(&self, value: &str) -> Option<String> {
        let mut places: Vec<Value> = serde_json::from_str(value).ok()?;
        let all = places.len();
        let is_theirs = |place: &Value| place["to"].as_str().is_some_and(|to| self.is(to));
        places.retain(|place| !is_theirs(place));
        (places.len() < all).then(|| Value::from(places).to_string())
    }

    /// What a setting is afterwards, if it names the person.
    fn without_in(&self, value: &str) -> Option<String> {
        if self.is(value) {
            return Some(self.pseudonym.clone());
        }
        let mut json: Value = serde_json::from_str(value).ok()?;
        self.replace_in(&mut json).then(|| json.to_string())
    }

    fn replace_in(&self, json: &mut Value) -> bool {
        match json {
            Value::String(text) if self.is(text) => {
                text.clone_from(&self.pseudonym);
                true
            }
            Value::Array(all) => self.replace_in_all(&mut all.iter_mut()),
            Value::Object(all) => self.replace_in_all(&mut all.values_mut()),
            _ => false,
        }
    }

    fn replace_in_all(&self, all: &mut dyn Iterator<Item = &mut Value>) -> bool {
        let mut changed = false;
        for one in all {
            changed |= self.replace_in(one);
        }
        changed
    }

    /// Basic users that a panel let in, and routes with the name in them, are learned anew.
    fn forget_in_learned(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (panel, body) in learned_rows(connection)? {
            let Ok(Value::Object(mut learned)) = serde_json::from_slice(&body) else {
                continue;
            };
            let mut changed = false;
            for list in learned.values_mut().filter_map(Value::as_array_mut) {
                let before = list.len();
                list.retain(|one| {
                    !one.as_str()
                        .is_some_and(|text| names_person(text, &self.folded))
                });
                changed |= list.len() != before;
            }
            if changed {
                let body = Value::Object(learned).to_string().into_bytes();
                let sql = "UPDATE learned SET body = ?2 WHERE panel = ?1";
                connection
                    .prepare_cached(sql)?
                    .execute(params![panel.as_str(), body])?;
            }
        }
        Ok(())
    }

    /// Reasons of other erasures may name the person; a name counts for more than their seals.
    fn forget_in_reasons(&self, connection: &Connection) -> rusqlite::Result<()> {
        for other in erasures::all(connection)? {
            let reason = without(&other.reason, &self.folded, &self.pseudonym);
            if reason != other.reason {
                let sql = "UPDATE erasures SET reason = ?2 WHERE id = ?1";
                connection
                    .prepare_cached(sql)?
                    .execute(params![other.id.0, reason])?;
            }
        }
        Ok(())
    }

    fn forget_account(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let sql = "SELECT id FROM accounts WHERE email_folded = ?1 AND disabled";
        let mut statement = connection.prepare_cached(sql)?;
        let found: Vec<i64> = statement
            .query_map([&self.folded], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for id in &found {
            for table in ["sessions", "links", "identities"] {
                let sql = format!("DELETE FROM {table} WHERE account = ?1");
                connection.prepare_cached(&sql)?.execute([id])?;
            }
            let email = format!("{}@{NOWHERE}", self.pseudonym);
            let sql = "UPDATE accounts SET email = ?2, email_folded = ?3, name = ?4, \
                       password_hash = NULL WHERE id = ?1";
            let row = params![id, email, fold(&email), self.pseudonym];
            connection.prepare_cached(sql)?.execute(row)?;
        }
        Ok(!found.is_empty())
    }

    /// Puts the pseudonym where a column is the person's id.
    fn replace(&self, connection: &Connection, table: &str, column: &str) -> rusqlite::Result<()> {
        let sql = format!("SELECT DISTINCT {column} FROM {table}");
        for value in self.values(connection, &sql)? {
            let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {column} = ?1");
            let row: [&dyn ToSql; 2] = [&value, &self.pseudonym];
            connection.prepare_cached(&sql)?.execute(row)?;
        }
        Ok(())
    }

    /// The values of a column that are the person's id, as they are written.
    fn values(&self, connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare_cached(sql)?;
        let all = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
        let mut found = Vec::new();
        for value in all {
            found.extend(value?.filter(|value| self.is(value)));
        }
        Ok(found)
    }
}

fn learned_rows(connection: &Connection) -> rusqlite::Result<Vec<(PanelName, Vec<u8>)>> {
    database::rows(connection, "SELECT panel, body FROM learned", |row| {
        Ok((database::panel_name(row, 0)?, row.get(1)?))
    })
}
