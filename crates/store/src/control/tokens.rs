//! API tokens. Only hashes of their secrets exist here.

use std::sync::Arc;

use admintrail_event::{Micros, PanelName};
use rusqlite::{OptionalExtension, params};

use super::memory::{LiveToken, Seen};
use super::model::{ApiToken, NewToken, SecretHash, TokenId};
use super::{Control, Durable};

/// How often "last used" goes to the disk, in µs.
const NOTE_EVERY: i64 = 60 * Micros::SECOND;

impl Control {
    /// Every token, revoked ones too, by name, then the newest first.
    #[must_use]
    pub fn tokens(&self) -> Vec<Arc<ApiToken>> {
        let mut all: Vec<_> = self
            .memory()
            .tokens
            .read()
            .all
            .values()
            .map(LiveToken::now)
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name).then(b.id.cmp(&a.id)));
        all.into_iter().map(Arc::new).collect()
    }

    /// The live token of this hash; remembers that it was used.
    #[must_use]
    pub fn token(&self, hash: &SecretHash, now: Micros) -> Option<Arc<ApiToken>> {
        let tokens = self.memory().tokens.read();
        let live = tokens.by_hash.get(hash).and_then(|id| tokens.all.get(id))?;
        if live.token.revoked.is_some() {
            return None;
        }
        let token = Arc::clone(&live.token);
        let note = live.used.touch(now, NOTE_EVERY);
        drop(tokens);
        if note {
            let id = token.id;
            self.note(move |connection| {
                let sql = "UPDATE tokens SET last_used = ?2 WHERE id = ?1";
                connection
                    .prepare_cached(sql)?
                    .execute(params![id.0, now.0])
                    .map(drop)
            });
        }
        Some(token)
    }

    /// Makes a token. `None`: a live one has this name.
    pub fn add_token(&self, new: NewToken) -> Durable<Option<Arc<ApiToken>>> {
        self.change(
            move |connection| {
                let sql = "INSERT INTO tokens (name, hash, scope, panels, created) \
                           VALUES (?1, ?2, ?3, ?4, ?5) \
                           ON CONFLICT (name) WHERE revoked IS NULL DO NOTHING RETURNING id";
                let panels: Vec<&str> = new.panels.iter().map(PanelName::as_str).collect();
                let scope = new.scope.as_str();
                let row = params![new.name, new.hash.0, scope, panels.join(" "), new.created.0];
                let id: Option<i64> = connection
                    .prepare_cached(sql)?
                    .query_row(row, |row| row.get(0))
                    .optional()?;
                Ok(id.map(|id| {
                    Arc::new(ApiToken {
                        id: TokenId(id),
                        name: new.name,
                        hash: new.hash,
                        scope: new.scope,
                        panels: new.panels,
                        created: new.created,
                        last_used: None,
                        revoked: None,
                    })
                }))
            },
            |memory, made| {
                made.inspect(|token| {
                    let mut tokens = memory.tokens.write();
                    tokens.by_hash.insert(token.hash, token.id);
                    let live = LiveToken {
                        token: Arc::clone(token),
                        used: Seen::default(),
                    };
                    tokens.all.insert(token.id, live);
                })
            },
        )
    }

    /// Refuses a token from now on. `false`: there is none, or it was revoked before.
    pub fn revoke_token(&self, id: TokenId, now: Micros) -> Durable<bool> {
        self.change(
            move |connection| {
                let sql = "UPDATE tokens SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL";
                Ok(connection
                    .prepare_cached(sql)?
                    .execute(params![id.0, now.0])?
                    > 0)
            },
            move |memory, revoked| {
                if let Some(live) = memory.tokens.write().all.get_mut(&id)
                    && revoked
                {
                    live.token = Arc::new(ApiToken {
                        revoked: Some(now),
                        ..live.now()
                    });
                }
                revoked
            },
        )
    }
}

impl LiveToken {
    /// The token as of now.
    fn now(&self) -> ApiToken {
        let last_used = Some(self.used.last()).filter(|at| *at != Micros::default());
        ApiToken {
            last_used,
            ..ApiToken::clone(&self.token)
        }
    }
}
