//! Links that work once.

use std::sync::Arc;

use admintrail_event::Micros;
use rusqlite::{Connection, OptionalExtension, params};

use super::model::{Account, LinkPurpose, NewAccount, OneTimeLink, SecretHash};
use super::{Control, Durable, accounts, database};

impl Control {
    /// Keeps a link until it is used or expires.
    pub fn add_link(&self, link: OneTimeLink) -> Durable<()> {
        self.change(
            move |connection| {
                let sql =
                    "INSERT INTO links (hash, purpose, account, expires) VALUES (?1, ?2, ?3, ?4)";
                let account = link.account.map(|account| account.0);
                let row = params![link.hash.0, link.purpose.as_str(), account, link.expires.0];
                connection.prepare_cached(sql)?.execute(row).map(drop)
            },
            move |memory, ()| {
                memory.links.write().insert(link.hash, link);
            },
        )
    }

    /// The link of this hash, if it would still work. Does not use it up.
    #[must_use]
    pub fn link(&self, hash: &SecretHash, now: Micros) -> Option<OneTimeLink> {
        self.memory()
            .links
            .read()
            .get(hash)
            .filter(|link| now < link.expires)
            .copied()
    }

    /// Uses a link up. `None`: used, expired, never made, or for another purpose (which keeps it).
    pub fn use_link(
        &self,
        hash: SecretHash,
        purposes: &'static [LinkPurpose],
        now: Micros,
    ) -> Durable<Option<OneTimeLink>> {
        self.change(
            move |connection| take(connection, hash, purposes, now),
            move |memory, taken| {
                taken.inspect(|_| {
                    memory.links.write().remove(&hash);
                })
            },
        )
    }

    /// Ends every link of a purpose.
    pub fn end_links(&self, purpose: LinkPurpose) -> Durable<usize> {
        self.change(
            move |connection| {
                let sql = "DELETE FROM links WHERE purpose = ?1";
                connection.prepare_cached(sql)?.execute([purpose.as_str()])
            },
            move |memory, count| {
                memory
                    .links
                    .write()
                    .retain(|_, link| link.purpose != purpose);
                count
            },
        )
    }

    /// Uses a setup link up and makes the first account with it, both or neither.
    /// `None`: the link does not work, or somebody has an account already.
    pub fn set_up(
        &self,
        hash: SecretHash,
        owner: NewAccount,
        now: Micros,
    ) -> Durable<Option<Arc<Account>>> {
        self.change(
            move |connection| {
                let taken: bool = connection
                    .prepare_cached("SELECT EXISTS (SELECT 1 FROM accounts)")?
                    .query_row([], |row| row.get(0))?;
                if taken || take(connection, hash, &[LinkPurpose::Setup], now)?.is_none() {
                    return Ok(None);
                }
                accounts::insert(connection, &owner)
            },
            move |memory, account| {
                account.inspect(|account| {
                    memory.links.write().remove(&hash);
                    memory.show(account);
                })
            },
        )
    }
}

fn take(
    connection: &Connection,
    hash: SecretHash,
    purposes: &[LinkPurpose],
    now: Micros,
) -> rusqlite::Result<Option<OneTimeLink>> {
    let sql = "SELECT hash, purpose, account, expires FROM links WHERE hash = ?1 AND expires > ?2";
    let mut select = connection.prepare_cached(sql)?;
    let found = select
        .query_row(params![hash.0, now.0], database::link_of_row)
        .optional()?;
    let Some(link) = found.filter(|link| purposes.contains(&link.purpose)) else {
        return Ok(None);
    };
    connection
        .prepare_cached("DELETE FROM links WHERE hash = ?1")?
        .execute([hash.0])?;
    Ok(Some(link))
}
