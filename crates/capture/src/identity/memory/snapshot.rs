//! What was learned, written down for the next start.
//!
//! Names, route templates, cookie names and keyed hashes; no secret is among them. Sign-ins that
//! wait for a decision are left out: they are decided within minutes or never.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use admintrail_event::{Learned, RouteLearner, SessionHash};
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;
use serde_json::{Value, json};

use super::{
    ALIKE, MAX_BASIC_NAMES, MAX_CHALLENGED, MAX_DOUBTED, MAX_NAMES, MAX_PENDING, MAX_ROUTES,
    PanelMemory,
};

/// Another version is not read, and learned anew.
const VERSION: u64 = 1;

/// No snapshot is larger: all sets are bounded, and what is in them.
const MAX_BYTES: usize = 16 << 20;

impl PanelMemory {
    /// Whether something waits for a snapshot that a crash must not undo.
    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Acquire)
    }

    /// What was learned, if something was since this was asked last. `storable` tells which paths
    /// hold no secret.
    pub(crate) fn take_snapshot(&self, storable: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return None;
        }
        self.urgent.store(false, Ordering::Release);
        let mut challenged = sorted(&self.challenged);
        challenged.retain(|path| storable(path));
        let names = self.cookie_names.read();
        let mut cookies: Vec<&str> = names
            .iter()
            .filter_map(|name| std::str::from_utf8(name).ok())
            .collect();
        cookies.sort_unstable();
        let learned = self.learned();
        let snapshot = json!({
            "version": VERSION,
            "for_sessions": sorted(&self.for_sessions),
            "for_everybody": sorted(&self.for_everybody),
            "refused_strangers": sorted(&self.refused_strangers),
            "challenged": challenged,
            "basic_names": sorted(&self.basic_names),
            "cookies": cookies,
            "rotates": self.rotates.load(Ordering::Relaxed),
            "alike_score": self.alike_score.load(Ordering::Relaxed),
            "refused_sessions": sorted(&self.refused_sessions),
            "sign_ins": sorted(&self.sign_ins),
            "doubted": hashes(self.doubted.lock().keys()),
            "over": hashes(over(&self.doubted.lock())),
            "unproven": hashes(self.unproven.lock().keys()),
            "varying": learned.places().collect::<Vec<_>>(),
        });
        Some(snapshot.to_string().into_bytes())
    }

    /// The last snapshot was not kept.
    pub(crate) fn changed_again(&self) {
        self.change_urgently();
    }

    /// Takes over what an earlier run learned, all or nothing.
    pub(crate) fn restore(&self, bytes: &[u8]) -> Result<(), String> {
        if bytes.len() > MAX_BYTES {
            return Err(format!("it has {} bytes", bytes.len()));
        }
        let all: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        match all.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(other) => return Err(format!("it has version {other}, and this is {VERSION}")),
            None => return Err("it has no version".to_owned()),
        }
        let doubted = read_hashes(&all, "doubted")?;
        let over = read_hashes(&all, "over")?;
        let unproven = read_hashes(&all, "unproven")?;
        let sets = [
            ("for_sessions", &self.for_sessions, MAX_ROUTES),
            ("for_everybody", &self.for_everybody, MAX_ROUTES),
            ("refused_strangers", &self.refused_strangers, MAX_ROUTES),
            ("refused_sessions", &self.refused_sessions, MAX_ROUTES),
            ("sign_ins", &self.sign_ins, MAX_ROUTES),
            ("challenged", &self.challenged, MAX_CHALLENGED),
            ("basic_names", &self.basic_names, MAX_BASIC_NAMES),
        ];
        let texts = sets.map(|(name, ..)| read_texts(&all, name));
        let cookies = read_texts(&all, "cookies")?;
        let learned = Learned::of_places(read_texts(&all, "varying")?);
        let texts: Vec<Vec<&str>> = texts.into_iter().collect::<Result<_, _>>()?;
        for ((_, set, max), texts) in sets.iter().zip(texts) {
            let texts = texts.into_iter().take(*max).map(str::to_owned);
            set.write().extend(texts);
        }
        let cookies = cookies.into_iter().take(MAX_NAMES);
        self.cookie_names
            .write()
            .extend(cookies.map(|name| name.as_bytes().to_vec()));
        let doubted = doubted.into_iter().take(MAX_DOUBTED);
        let doubted = doubted.map(|hash| (hash, over.contains(&hash)));
        self.doubted.lock().extend(doubted);
        self.doubted_count
            .store(self.doubted.lock().len(), Ordering::Release);
        let unproven = unproven.into_iter().take(MAX_PENDING);
        let unproven = unproven.map(|session| (session, 0));
        self.unproven.lock().extend(unproven);
        self.unproven_count
            .store(self.unproven.lock().len(), Ordering::Release);
        if all.get("rotates").and_then(Value::as_bool) == Some(true) {
            self.rotates.store(true, Ordering::Relaxed);
        }
        let score = all.get("alike_score").and_then(Value::as_u64);
        let score = usize::try_from(score.unwrap_or(0)).unwrap_or(ALIKE);
        self.alike_score.store(score.min(ALIKE), Ordering::Relaxed);
        let learner = RouteLearner::new(learned);
        *self.learned.write() = Arc::clone(learner.learned());
        *self.routes.lock() = learner;
        Ok(())
    }
}

fn sorted(set: &RwLock<HashSet<String>>) -> Vec<String> {
    let mut all: Vec<String> = set.read().iter().cloned().collect();
    all.sort_unstable();
    all
}

/// The doubted ones that a page for sessions has sent away.
fn over(doubted: &HashMap<SessionHash, bool>) -> impl Iterator<Item = &SessionHash> {
    doubted
        .iter()
        .filter_map(|(hash, over)| over.then_some(hash))
}

fn hashes<'a>(hashes: impl Iterator<Item = &'a SessionHash>) -> Vec<String> {
    let mut all: Vec<String> = hashes.map(ToString::to_string).collect();
    all.sort_unstable();
    all
}

fn read_texts<'a>(all: &'a Value, name: &str) -> Result<Vec<&'a str>, String> {
    let list = all.get(name).and_then(Value::as_array);
    let list = list.ok_or_else(|| format!("it has no list {name:?}"))?;
    let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
    texts.ok_or_else(|| format!("the list {name:?} holds something else than texts"))
}

fn read_hashes(all: &Value, name: &str) -> Result<Vec<SessionHash>, String> {
    let texts = read_texts(all, name)?;
    let hashes: Result<_, _> = texts.into_iter().map(str::parse).collect();
    hashes.map_err(|_| format!("the list {name:?} holds something else than hashes"))
}

#[cfg(test)]
mod tests {
    use super::super::Proof;
    use super::*;

    fn full() -> PanelMemory {
        let memory = PanelMemory::default();
        memory.answered_session("/clients");
        memory.answered_everybody("/");
        memory.refused_stranger("/clients");
        memory.challenged_basic("/admin/");
        memory.challenged_basic("/reset/secret-token");
        memory.accepted_basic("olena");
        memory.bound_cookie(b"sid");
        memory.rotated();
        memory.doubt(SessionHash([7; 16]), false);
        memory.doubt(SessionHash([6; 16]), true);
        memory.refused_session("/clients");
        memory.signed_in_on("/login");
        memory.bound_by_redirect(SessionHash([8; 16]));
        memory.bound_by_redirect(SessionHash([9; 16]));
        memory.proved(SessionHash([9; 16]), false);
        for n in 0..20 {
            memory.observe(&format!("/articles/about-it-{n}"));
        }
        memory
    }

    #[test]
    fn a_person_that_is_forgotten_is_in_no_snapshot_and_the_rest_is() {
        let memory = full();
        memory.answered_session("/users/Olena/edit");
        for n in 0..20 {
            memory.observe(&format!("/users/olena/about-it-{n}"));
        }
        memory.forget_person("olena");
        assert!(memory.is_urgent());
        let snapshot = memory.take_snapshot(|_| true).unwrap();
        let text = String::from_utf8_lossy(&snapshot).to_lowercase();
        assert!(!text.contains("olena"), "{text}");
        assert!(
            text.contains("/clients") && text.contains("/articles"),
            "{text}"
        );
        assert!(!memory.knows_basic("olena"));
    }

    #[test]
    fn all_of_it_comes_back_and_no_secret_is_written() {
        let memory = full();
        let snapshot = memory
            .take_snapshot(|path| !path.contains("secret"))
            .unwrap();
        assert!(!String::from_utf8_lossy(&snapshot).contains("secret"));
        assert!(memory.take_snapshot(|_| true).is_none(), "nothing is new");
        let again = PanelMemory::default();
        again.restore(&snapshot).unwrap();
        assert!(again.take_snapshot(|_| true).is_none(), "nothing is new");
        assert!(again.is_protected("/clients") && again.is_for_sessions("/clients"));
        assert!(again.is_for_everybody("/"));
        assert!(again.asks_for_basic("/admin/users") && !again.asks_for_basic("/"));
        assert!(again.knows_basic("olena") && again.binds_cookie(b"sid") && again.rotates());
        assert_eq!(again.doubts(&SessionHash([7; 16])), Some(Proof::Again));
        assert_eq!(again.doubts(&SessionHash([6; 16])), Some(Proof::Alive));
        assert!(again.has_signed_in_on("/login") && again.proves("/clients", Proof::Alive));
        assert!(again.is_unproven(Some(SessionHash([8; 16]))));
        assert!(again.answers_alike());
        assert_eq!(
            again.learned().template("/articles/next-one"),
            "/articles/{id}"
        );
        again.changed_again();
        assert_eq!(again.take_snapshot(|_| true).unwrap(), snapshot);
    }

    #[test]
    fn strangers_who_ask_for_long_paths_fill_neither_memory_nor_disk() {
        let memory = PanelMemory::default();
        let long = |n: usize| format!("/{n}/{}", "\"ї".repeat(2_700));
        for n in 0..2 * MAX_ROUTES {
            memory.answered_everybody(&long(n));
            memory.refused_stranger(&long(n));
        }
        for n in 0..2 * MAX_CHALLENGED {
            memory.challenged_basic(&long(n));
            memory.challenged_basic(&format!("/{n}"));
        }
        assert!(memory.is_for_everybody(&long(7)) && !memory.is_protected(&long(7)));
        assert!(!memory.is_for_everybody(&long(MAX_ROUTES)));
        let snapshot = memory.take_snapshot(|_| true).unwrap();
        assert!(snapshot.len() < 4 << 20, "{} bytes", snapshot.len());
        let again = PanelMemory::default();
        again.restore(&snapshot).unwrap();
        assert!(again.is_for_everybody(&long(7)));
        assert!(again.restore(&vec![b' '; MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn sign_ins_that_nobody_follows_up_crowd_out_no_other() {
        let memory = PanelMemory::default();
        for n in 0..2 * MAX_PENDING {
            let mut hash = [0; 16];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            memory.bound_by_redirect(SessionHash(hash));
        }
        let late = SessionHash([7; 16]);
        memory.bound_by_redirect(late);
        assert!(memory.is_unproven(Some(late)));
        memory.proved(late, false);
        assert!(memory.answers_alike());
    }

    #[test]
    fn what_keeps_a_name_away_is_urgent() {
        let hash = SessionHash([7; 16]);
        let urgent: [fn(&PanelMemory, SessionHash); 5] = [
            |memory, _| memory.rotated(),
            |memory, _| memory.answered_everybody("/"),
            |memory, hash| assert!(memory.doubt(hash, true)),
            |memory, hash| memory.bound_by_redirect(hash),
            |memory, _| memory.answered_unasked("/admin"),
        ];
        for learn in urgent {
            let memory = PanelMemory::default();
            memory.challenged_basic("/admin");
            memory.answered_session("/clients");
            assert!(!memory.is_urgent());
            learn(&memory, hash);
            assert!(memory.is_urgent());
            memory.take_snapshot(|_| true).unwrap();
            assert!(!memory.is_urgent());
            learn(&memory, hash);
            assert!(!memory.is_urgent(), "once is enough");
        }
    }

    #[test]
    fn another_version_or_damage_is_left_alone() {
        let snapshot = String::from_utf8(full().take_snapshot(|_| true).unwrap()).unwrap();
        for (wrong, why) in [
            (
                snapshot.replace("\"version\":1", "\"version\":2"),
                "version 2",
            ),
            (snapshot.replace("\"version\":1", "\"v\":1"), "no version"),
            (snapshot.replace("\"varying\"", "\"v\""), "varying"),
            (snapshot.replace("07070707", "zzzzzzzz"), "hashes"),
            (snapshot.replace('}', ""), "EOF"),
        ] {
            let memory = PanelMemory::default();
            let error = memory.restore(wrong.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
            assert!(!memory.is_for_sessions("/clients"), "all or nothing");
        }
    }

    #[test]
    fn a_path_that_asks_no_longer_for_basic_authentication_is_forgotten() {
        let memory = PanelMemory::default();
        for n in 0..1_000 {
            memory.challenged_basic(&format!("/admin/page{n}"));
        }
        memory.challenged_basic("/admin");
        assert!(
            memory.asks_for_basic("/admin/users"),
            "strangers did not crowd it out"
        );
        memory.answered_unasked("/admin/");
        assert!(!memory.asks_for_basic("/admin/users"));
    }
}
