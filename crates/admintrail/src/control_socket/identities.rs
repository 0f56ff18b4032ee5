//! Whose the tokens and basic users of panels are, as commands say it.

use admintrail_capture::{Named, TokenRules, token_fingerprint, user_fingerprint};
use admintrail_event::{
    Filter, KnownBy, Limits, Micros, PanelName, SessionHash, clip, encode_bytes,
};
use admintrail_store::control::MappedIdentity;
use admintrail_store::{Control, Order, PageRequest, Trail, View};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::desk::{shown, store};
use super::protocol::{IdentityKey, IdentityShown, Refused};

/// What to record of an answer: command, action, object.
type Note = (&'static str, String, String);

/// What configuration says of the tokens of each panel.
pub(crate) type Configured = Vec<(PanelName, TokenRules)>;

/// Least digits of a fingerprint: as many as the page shows.
const SHORTEST_PREFIX: usize = 8;

/// Everything that is asked of identities.
pub(super) struct Register<'a> {
    /// Completes fingerprints that are not whole.
    pub(super) trail: &'a Trail,
    pub(super) control: &'a Control,
    pub(super) configured: &'a Configured,
    /// The data folder's.
    pub(super) key: &'a [u8; 32],
    pub(super) now: Micros,
}

/// A token or user, as it is kept.
struct Known {
    panel: PanelName,
    fingerprint: SessionHash,
    basic_user: Option<String>,
    /// Whose configuration says it is.
    configured: Option<Named>,
}

impl Known {
    /// `token 77f0a1b2 of billing`, `user ci of billing`.
    fn words(&self) -> String {
        words(&self.panel, &self.fingerprint, self.basic_user.as_deref())
    }

    fn object(&self) -> String {
        format!("identity/{}", self.fingerprint)
    }
}

fn words(panel: &PanelName, fingerprint: &SessionHash, user: Option<&str>) -> String {
    match user {
        Some(user) => format!("user {user} of {panel}"),
        None => {
            let hex = fingerprint.to_string();
            format!("token {} of {panel}", hex.get(..8).unwrap_or(&hex))
        }
    }
}

impl Register<'_> {
    /// Says whose one is, from now on.
    pub(super) fn map(
        &self,
        panel: &str,
        admin: &str,
        name: Option<&str>,
        key: IdentityKey,
    ) -> Result<(Value, Option<Note>), Refused> {
        let admin = named(admin, "admin")?;
        let admin_name = name.map(|name| named(name, "name")).transpose()?;
        let known = self.known(panel, key, Among::Events)?;
        if let Some(configured) = &known.configured {
            return Err(Refused::usage(format!(
                "the configuration says that {} is {}; change it there",
                known.words(),
                configured.admin
            )));
        }
        let new = MappedIdentity {
            panel: known.panel.clone(),
            fingerprint: known.fingerprint.0,
            basic_user: known.basic_user.clone(),
            admin: admin.clone(),
            admin_name,
            since: self.now,
        };
        let before = self.control.map_identity(new).wait().map_err(store)?;
        let was = before
            .filter(|before| before.admin != admin)
            .map_or_else(String::new, |before| format!(" (was {})", before.admin));
        let note = format!("Named {} as {admin}{was}", known.words());
        Ok((
            json!({ "fingerprint": known.fingerprint.to_string() }),
            Some(("identity/map", note, known.object())),
        ))
    }

    /// Forgets whose one is.
    pub(super) fn unmap(
        &self,
        panel: &str,
        key: IdentityKey,
    ) -> Result<(Value, Option<Note>), Refused> {
        let known = self.known(panel, key, Among::Mapped)?;
        let (panel, fingerprint) = (known.panel.clone(), known.fingerprint.0);
        let gone = self.control.unmap_identity(panel, fingerprint).wait();
        let Some(gone) = gone.map_err(store)? else {
            return Err(Refused::usage(match &known.configured {
                Some(_) => format!(
                    "{} is named in the configuration; change it there",
                    known.words()
                ),
                None => format!(
                    "nobody has named {}; `admintrail identity list` shows what is named",
                    known.words()
                ),
            }));
        };
        let words = words(&gone.panel, &known.fingerprint, gone.basic_user.as_deref());
        let note = format!("Unnamed {words} (was {})", gone.admin);
        Ok((Value::Null, Some(("identity/unmap", note, known.object()))))
    }

    /// All of them, configured ones too.
    pub(super) fn list(&self) -> Result<Value, Refused> {
        let mut all: Vec<IdentityShown> =
            self.control.identities().into_iter().map(mapped).collect();
        for (panel, rules) in self.configured {
            let one =
                |fingerprint: Option<String>, user: Option<&str>, named: &Named| IdentityShown {
                    panel: panel.to_string(),
                    fingerprint,
                    basic_user: user.map(str::to_owned),
                    admin: named.admin.clone(),
                    name: named.admin_name.clone(),
                    since: None,
                    configured: true,
                };
            for (hash, named) in &rules.named {
                all.push(one(Some(hash.to_string()), None, named));
            }
            for named in rules.named_digests.values() {
                all.push(one(None, None, named));
            }
            for (user, named) in &rules.named_users {
                all.push(one(None, Some(user), named));
            }
        }
        all.sort_by(|a, b| {
            (&a.panel, &a.admin, &a.fingerprint).cmp(&(&b.panel, &b.admin, &b.fingerprint))
        });
        shown(&all)
    }

    fn known(&self, panel: &str, key: IdentityKey, among: Among) -> Result<Known, Refused> {
        let panel = panel
            .trim()
            .parse::<PanelName>()
            .map_err(|error| Refused::usage(format!("--panel: {error}")))?;
        if panel == PanelName::own() {
            return Err(Refused::usage(
                "--panel: the accounts of Admintrail's own pages name themselves",
            ));
        }
        let rules = self.configured.iter().find(|(name, _)| *name == panel);
        let rules = rules.map(|(_, rules)| rules);
        let by_fingerprint = |hash: &SessionHash| rules?.named.get(hash).cloned();
        Ok(match key {
            IdentityKey::Fingerprint(text) => {
                let fingerprint = self.whole(&panel, text.trim(), among)?;
                let before = self.control.identity(&panel, &fingerprint.0);
                Known {
                    configured: by_fingerprint(&fingerprint),
                    // One that stands for a user stays one.
                    basic_user: before.and_then(|before| before.basic_user),
                    panel,
                    fingerprint,
                }
            }
            IdentityKey::Token(token) => {
                let token = token.trim();
                if token.is_empty() {
                    return Err(Refused::usage("there is no token on the input"));
                }
                let fingerprint = token_fingerprint(self.key, &panel, token.as_bytes());
                let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
                let by_digest = || rules?.named_digests.get(&digest).cloned();
                Known {
                    configured: by_fingerprint(&fingerprint).or_else(by_digest),
                    basic_user: None,
                    panel,
                    fingerprint,
                }
            }
            IdentityKey::Basic(user) => {
                if user.contains(':') {
                    return Err(Refused::usage("--basic-user: write the user name alone"));
                }
                let user = named(&user, "basic-user")?;
                Known {
                    configured: rules.and_then(|rules| rules.named_users.get(&user).cloned()),
                    fingerprint: user_fingerprint(self.key, &panel, &user),
                    basic_user: Some(user),
                    panel,
                }
            }
        })
    }

    /// The fingerprint that begins so; a whole one need not be known.
    fn whole(&self, panel: &PanelName, text: &str, among: Among) -> Result<SessionHash, Refused> {
        let whole = text.parse::<SessionHash>().ok();
        let digits = text.chars().all(|c| c.is_ascii_hexdigit());
        if whole.is_none() && !(digits && (SHORTEST_PREFIX..32).contains(&text.len())) {
            return Err(Refused::usage(
                "--fingerprint: copy the 32 hexadecimal digits that an event shows as its \
                 session, or at least the first 8 of them",
            ));
        }
        let prefix = text.to_ascii_lowercase();
        let begins = |hash: &SessionHash| hash.to_string().starts_with(&prefix);
        let mut found: Vec<SessionHash> = self
            .control
            .identities()
            .into_iter()
            .filter(|one| one.panel == *panel)
            .map(|one| SessionHash(one.fingerprint))
            .filter(begins)
            .collect();
        if among == Among::Events {
            self.add_shown(panel, text, &mut found)?;
        }
        found.sort_unstable();
        found.dedup();
        match (whole, found.as_slice()) {
            (Some(hash), _) => Ok(hash),
            (None, [only]) => Ok(*only),
            (None, []) => Err(Refused::usage(format!(
                "--fingerprint: nothing of {panel} begins with {text}; write all 32 digits"
            ))),
            (None, [one, other, ..]) => Err(Refused::usage(format!(
                "--fingerprint: {text} begins several, {one} and {other} among them; write more \
                 digits"
            ))),
        }
    }

    /// Adds what events show that begins so: one or, if there are more, two. A session that
    /// somebody signed in to is no API token; naming it would say nothing.
    fn add_shown(
        &self,
        panel: &PanelName,
        prefix: &str,
        found: &mut Vec<SessionHash>,
    ) -> Result<(), Refused> {
        let mut words = format!("panel:{panel} session:{prefix}");
        for _ in 0..2 {
            let newest = PageRequest {
                order: Order::Descending,
                limit: 1,
                cursor: None,
                last: false,
            };
            let view = View {
                filter: Filter::parse(&words)
                    .map_err(|error| Refused::failed(error.to_string()))?,
                ..View::default()
            };
            let page = self.trail.page(&view, &newest).map_err(store)?;
            let Some(draft) = page.events.first().map(|event| &event.draft) else {
                break;
            };
            let Some(session) = draft.session else { break };
            if let (KnownBy::Session, Some(admin)) = (draft.known_by, &draft.admin) {
                return Err(Refused::usage(format!(
                    "--fingerprint: {prefix} is a session to which {admin} signed in, no API token"
                )));
            }
            found.push(session);
            words.push_str(&format!(" -session:{session}"));
        }
        Ok(())
    }
}

/// Where the rest of a fingerprint is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Among {
    /// What the panel's events show as their session.
    Events,
    /// What somebody named.
    Mapped,
}

/// As events carry it.
fn named(text: &str, flag: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refused::usage(format!("--{flag} is empty")));
    }
    Ok(clip(encode_bytes(text.as_bytes()), Limits::TEXT).0)
}

fn mapped(mapped: MappedIdentity) -> IdentityShown {
    IdentityShown {
        panel: mapped.panel.to_string(),
        fingerprint: Some(SessionHash(mapped.fingerprint).to_string()),
        basic_user: mapped.basic_user,
        admin: mapped.admin,
        name: mapped.admin_name,
        since: Some(mapped.since.to_string()),
        configured: false,
    }
}
