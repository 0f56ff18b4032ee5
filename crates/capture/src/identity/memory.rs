//! What is learned of a panel while it runs. Nearly all of it survives a restart (`snapshot.rs`).

mod person;
mod snapshot;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use admintrail_event::{Learned, Micros, RouteLearner, SessionHash};
use hashbrown::{HashMap, HashSet};
use parking_lot::{Mutex, RwLock};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

/// Route templates remembered; a panel has a few hundred.
const MAX_ROUTES: usize = 4_096;
/// Sign-ins that wait for a decision.
const MAX_PENDING: usize = 1_024;
/// How long one waits: time enough to look up a second factor.
const PENDING_MICROS: i64 = 15 * 60 * Micros::SECOND;
/// After a panel answered a wrong password with a redirect as after a right one, so many right
/// ones in a row make redirects count again.
const ALIKE: usize = 20;
/// Bound credentials that the panel has sent away once.
const MAX_DOUBTED: usize = 4_096;
/// Paths that asked for basic authentication.
const MAX_CHALLENGED: usize = 256;
/// Names that basic authentication let in; beyond that the bindings alone know them.
const MAX_BASIC_NAMES: usize = 4096;
/// Names with passwords that basic authentication let in lately.
const MAX_LET_IN: usize = 4096;
/// How long that counts where a panel's 401 may mean a lack of rights.
const LET_IN_MICROS: i64 = 60 * Micros::SECOND;
/// How long it counts on pages of which is not known that they ask strangers for a name.
const KNOWN_MICROS: i64 = 12 * 60 * 60 * Micros::SECOND;
/// Names of session cookies.
const MAX_NAMES: usize = 64;
/// A longer route is kept as its beginning and a digest, a longer name or path not at all.
const MAX_TEXT: usize = 256;

/// A sign-in whose success is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undecided {
    /// The name typed, safe to store.
    pub(crate) admin: String,
    /// The session it will be, if it was a success.
    pub(crate) session: SessionHash,
    /// When its cookie expires.
    pub(crate) until: Option<Micros>,
    pub(crate) since: Micros,
    pub(crate) proof: Proof,
    /// Route on which the name was typed.
    pub(crate) typed_on: Option<Box<str>>,
    /// Whom the admin acts as, where a session goes on.
    pub(crate) acting_as: Option<String>,
}

/// Which answer shows that an undecided session is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// That of a page which sends strangers away.
    Protected,
    /// Of such a page, known to answer admins: after the first of two factors some are open.
    BothFactors,
    /// Of the last step alone: before it the session was somebody else's, and may be so still.
    LastStep,
    /// Of a page known to answer admins, and no stranger: the session was bound before, and was sent
    /// away from a page that may want more rights.
    Again,
    /// Of a page that sends somebody away, and answers no stranger: the session was bound before, and
    /// was sent away from a page that answers sessions.
    Alive,
}

#[derive(Default)]
pub(crate) struct PanelMemory {
    /// Route templates that answered a bound session.
    for_sessions: RwLock<HashSet<String>>,
    /// Route templates that answered a visitor without any credential.
    for_everybody: RwLock<HashSet<String>>,
    /// Route templates that sent a stranger away.
    refused_strangers: RwLock<HashSet<String>>,
    /// Route templates that sent a bound session away: it was over, or lacked a right.
    refused_sessions: RwLock<HashSet<String>>,
    /// Route templates on which somebody has signed in.
    sign_ins: RwLock<HashSet<String>>,
    /// Cookies that were bound at a sign-in and are in no preset.
    cookie_names: RwLock<HashSet<Vec<u8>>>,
    pending: Mutex<HashMap<SessionHash, Undecided>>,
    pending_count: AtomicUsize,
    /// Bound credentials that the panel sent away, until it answers one again.
    doubted: Mutex<HashMap<SessionHash, bool>>,
    doubted_count: AtomicUsize,
    /// Paths that asked for basic authentication, without slashes at the end.
    challenged: RwLock<HashSet<String>>,
    /// Names that basic authentication let in, folded.
    basic_names: RwLock<HashSet<String>>,
    /// Names with passwords that it let in, and when last.
    let_in: Mutex<HashMap<SessionHash, Micros>>,
    /// The panel sets the cookie of a living session anew on ordinary pages.
    rotates: AtomicBool,
    /// Sessions bound by a redirect alone, until a request with one is answered.
    unproven: Mutex<HashMap<SessionHash, u64>>,
    /// How many sessions were bound so.
    by_redirect: AtomicU64,
    unproven_count: AtomicUsize,
    /// Sign-ins whose events wait for what the next request with the session tells.
    waiting: Mutex<HashMap<SessionHash, oneshot::Sender<bool>>>,
    waiting_count: AtomicUsize,
    /// The panel has answered a wrong password as no right one is answered.
    refuses_plainly: AtomicBool,
    /// How often the panel answered a wrong password as it answers a right one, fading.
    alike_score: AtomicUsize,
    /// Names that vary in paths; the lock is held for a moment by requests that an admin made.
    routes: Mutex<RouteLearner>,
    learned: RwLock<Arc<Learned>>,
    /// Something of this is not in the last snapshot.
    changed: AtomicBool,
    /// Something that a crash must not undo is not.
    urgent: AtomicBool,
}

impl PanelMemory {
    pub(crate) fn refused_session(&self, route: &str) {
        self.remember(&self.refused_sessions, &key(route), MAX_ROUTES);
    }

    pub(crate) fn signed_in_on(&self, route: &str) {
        self.remember(&self.sign_ins, &key(route), MAX_ROUTES);
    }

    /// Whether the route takes names and passwords beyond doubt.
    pub(crate) fn has_signed_in_on(&self, route: &str) -> bool {
        self.sign_ins.read().contains(&*key(route))
    }

    pub(crate) fn answered_session(&self, route: &str) {
        self.remember(&self.for_sessions, &key(route), MAX_ROUTES);
    }

    pub(crate) fn answered_everybody(&self, route: &str) {
        if self.remember(&self.for_everybody, &key(route), MAX_ROUTES) {
            self.change_urgently();
        }
    }

    pub(crate) fn refused_stranger(&self, route: &str) {
        self.remember(&self.refused_strangers, &key(route), MAX_ROUTES);
    }

    /// The route wants a session: it has sent a stranger away, and answered none. That somebody
    /// with a session was answered there says nothing, for that holds of every public page.
    pub(crate) fn is_protected(&self, route: &str) -> bool {
        self.refused_strangers.read().contains(&*key(route)) && !self.is_for_everybody(route)
    }

    /// Whether an answer on this route shows what an undecided session waits for.
    pub(crate) fn proves(&self, route: &str, proof: Proof) -> bool {
        match proof {
            Proof::Protected => self.is_protected(route),
            Proof::BothFactors => self.is_protected(route) && self.is_for_sessions(route),
            Proof::LastStep => false,
            Proof::Again => self.is_for_sessions(route) && !self.is_for_everybody(route),
            Proof::Alive => {
                let guarded = self.refused_strangers.read().contains(&*key(route))
                    || self.refused_sessions.read().contains(&*key(route));
                guarded && !self.is_for_everybody(route)
            }
        }
    }

    pub(crate) fn rotated(&self) {
        if !self.rotates.swap(true, Ordering::Relaxed) {
            self.change_urgently();
        }
    }

    /// Whether a cookie set anew says nothing of who is signed in.
    pub(crate) fn rotates(&self) -> bool {
        self.rotates.load(Ordering::Relaxed)
    }

    /// The route has answered a bound session before.
    pub(crate) fn is_for_sessions(&self, route: &str) -> bool {
        self.for_sessions.read().contains(&*key(route))
    }

    /// The route proves nothing of who asks.
    pub(crate) fn is_for_everybody(&self, route: &str) -> bool {
        self.for_everybody.read().contains(&*key(route))
    }

    pub(crate) fn bound_cookie(&self, name: &[u8]) {
        let known = self.cookie_names.read().contains(name);
        if !known {
            let mut names = self.cookie_names.write();
            if names.len() < MAX_NAMES && name.len() <= MAX_TEXT {
                names.insert(name.to_vec());
                self.change();
            }
        }
    }

    pub(crate) fn binds_cookie(&self, name: &[u8]) -> bool {
        self.cookie_names.read().contains(name)
    }

    /// Basic authentication let this name in. Says whether that is news.
    pub(crate) fn accepted_basic(&self, folded: &str) -> bool {
        let news = !self.knows_basic(folded);
        if news && folded.len() <= MAX_TEXT {
            self.remember(&self.basic_names, folded, MAX_BASIC_NAMES);
        }
        news
    }

    /// Whether basic authentication has let this name in.
    pub(crate) fn knows_basic(&self, folded: &str) -> bool {
        self.basic_names.read().contains(folded)
    }

    /// Basic authentication let this name and password in.
    pub(crate) fn let_in(&self, proof: SessionHash, now: Micros) {
        let mut let_in = self.let_in.lock();
        if let_in.len() >= MAX_LET_IN {
            let_in.retain(|_, at| now.0.saturating_sub(at.0) < KNOWN_MICROS);
        }
        if let_in.len() < MAX_LET_IN || let_in.contains_key(&proof) {
            let_in.insert(proof, now);
        }
    }

    /// It lets them in no longer.
    pub(crate) fn shut_out(&self, proof: &SessionHash) {
        self.let_in.lock().remove(proof);
    }

    /// Whether it did so a moment ago.
    pub(crate) fn was_let_in(&self, proof: &SessionHash, now: Micros) -> bool {
        self.let_in_within(LET_IN_MICROS, proof, now)
    }

    /// Whether it did so today, and has not refused them since.
    pub(crate) fn knows_let_in(&self, proof: &SessionHash, now: Micros) -> bool {
        self.let_in_within(KNOWN_MICROS, proof, now)
    }

    fn let_in_within(&self, micros: i64, proof: &SessionHash, now: Micros) -> bool {
        let let_in = self.let_in.lock();
        let at = let_in.get(proof);
        at.is_some_and(|at| (0..micros).contains(&now.0.saturating_sub(at.0)))
    }

    /// This path asked for basic authentication.
    pub(crate) fn challenged_basic(&self, path: &str) {
        let path = path.trim_end_matches('/');
        let known = |asked: &String| is_below(asked, path);
        if path.len() > MAX_TEXT || self.challenged.read().iter().any(known) {
            return;
        }
        let mut challenged = self.challenged.write();
        // Strangers who ask below must not keep what is above from being known.
        challenged.retain(|asked| !is_below(path, asked));
        if challenged.len() < MAX_CHALLENGED {
            challenged.insert(path.to_owned());
        }
        self.change();
    }

    /// This path answered somebody without a name: if it ever asked for basic authentication, it
    /// does no longer.
    pub(crate) fn answered_unasked(&self, path: &str) {
        let path = path.trim_end_matches('/');
        if self.challenged.read().contains(path) {
            self.challenged.write().remove(path);
            self.change_urgently();
        }
    }

    /// Whether an `Authorization: Basic` on this path may be what lets somebody in: only where the
    /// panel has asked for it and below (RFC 7617, section 2.2), for what ignores it ignores any
    /// name that anyone writes there.
    pub(crate) fn asks_for_basic(&self, path: &str) -> bool {
        let challenged = self.challenged.read();
        // What the panel reads differently may lead out of the challenged path.
        let plain = !path.contains("..") && !path.contains('%') && !path.contains('\\');
        if challenged.is_empty() || !plain {
            return false;
        }
        challenged.iter().any(|asked| is_below(asked, path))
    }

    /// The panel sent a bound credential away, from a page that is known to answer sessions or from
    /// any other. Says whether it can be remembered.
    pub(crate) fn doubt(&self, credential: SessionHash, over: bool) -> bool {
        let mut doubted = self.doubted.lock();
        let kept = doubted.len() < MAX_DOUBTED || doubted.contains_key(&credential);
        if kept && doubted.get(&credential).is_none_or(|known| over && !known) {
            doubted.insert(credential, over);
            self.change_urgently();
        }
        self.doubted_count.store(doubted.len(), Ordering::Release);
        kept
    }

    /// What has to be answered before a bound credential names anybody again.
    pub(crate) fn doubts(&self, credential: &SessionHash) -> Option<Proof> {
        if self.doubted_count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let over = *self.doubted.lock().get(credential)?;
        Some(if over { Proof::Alive } else { Proof::Again })
    }

    /// A credential was bound, or is so no longer: there is nothing to doubt.
    pub(crate) fn trust(&self, credential: &SessionHash) {
        if self.doubted_count.load(Ordering::Acquire) > 0 {
            let mut doubted = self.doubted.lock();
            if doubted.remove(credential).is_some() {
                self.change();
            }
            self.doubted_count.store(doubted.len(), Ordering::Release);
        }
    }

    /// A session was bound because the panel redirected somewhere else after the form.
    pub(crate) fn bound_by_redirect(&self, session: SessionHash) {
        let number = self.by_redirect.fetch_add(1, Ordering::Relaxed) + 1;
        let mut unproven = self.unproven.lock();
        if unproven.len() >= MAX_PENDING {
            // Whoever never came back must not keep others from being doubted.
            let oldest = unproven.iter().min_by_key(|(_, at)| **at);
            if let Some(oldest) = oldest.map(|(session, _)| *session) {
                unproven.remove(&oldest);
            }
        }
        if unproven.insert(session, number).is_none() {
            self.change_urgently();
        }
        self.unproven_count.store(unproven.len(), Ordering::Release);
    }

    /// The event of a sign-in waits for what the next request with its session tells: whether the
    /// panel accepts it.
    pub(crate) fn awaits(&self, session: SessionHash) -> Option<oneshot::Receiver<bool>> {
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, sender| !sender.is_closed());
        if waiting.len() >= MAX_PENDING {
            return None;
        }
        let (tell, told) = oneshot::channel();
        waiting.insert(session, tell);
        self.waiting_count.store(waiting.len(), Ordering::Release);
        Some(told)
    }

    /// The panel accepted a session, or did not.
    pub(crate) fn tell(&self, session: SessionHash, accepted: bool) {
        if self.waiting_count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut waiting = self.waiting.lock();
        if let Some(tell) = waiting.remove(&session) {
            // Nobody listens where the event has waited long enough.
            let _ = tell.send(accepted);
        }
        self.waiting_count.store(waiting.len(), Ordering::Release);
    }

    /// A wrong password was answered as no right one is.
    pub(crate) fn refused_plainly(&self) {
        self.refuses_plainly.store(true, Ordering::Relaxed);
    }

    /// A request with a bound session was answered, or sent to sign-in. If the very first one is
    /// sent away, the redirect had said nothing: this panel answers all passwords alike.
    pub(crate) fn proved(&self, session: SessionHash, accepted: bool) {
        if self.unproven_count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut unproven = self.unproven.lock();
        if unproven.remove(&session).is_some() {
            self.unproven_count.store(unproven.len(), Ordering::Release);
            self.tell(session, accepted);
            let score = self.alike_score.load(Ordering::Relaxed);
            let score = if accepted {
                score.saturating_sub(1)
            } else {
                ALIKE
            };
            self.alike_score.store(score, Ordering::Relaxed);
            self.change_urgently();
        }
    }

    /// Whether a redirect after the form is known to be for right passwords alone.
    pub(crate) fn refuses_plainly(&self) -> bool {
        self.refuses_plainly.load(Ordering::Relaxed)
    }

    /// Whether nothing but a redirect speaks for this session so far.
    pub(crate) fn is_unproven(&self, session: Option<SessionHash>) -> bool {
        self.unproven_count.load(Ordering::Acquire) > 0
            && session.is_some_and(|session| self.unproven.lock().contains_key(&session))
    }

    /// Whether a redirect after the form says nothing here.
    pub(crate) fn answers_alike(&self) -> bool {
        self.alike_score.load(Ordering::Relaxed) > 0
    }

    /// Undecided sign-ins that turned out to be right, on a panel thought to answer alike.
    pub(crate) fn decided_rightly(&self) {
        let score = self.alike_score.load(Ordering::Relaxed);
        if score > 0 {
            self.alike_score.store(score - 1, Ordering::Relaxed);
            self.change();
        }
    }

    /// What is known of names that vary in paths.
    pub(crate) fn learned(&self) -> Arc<Learned> {
        Arc::clone(&self.learned.read())
    }

    /// The panel answered an admin on this route, which no line of the preset describes.
    pub(crate) fn observe(&self, route: &str) {
        let mut routes = self.routes.lock();
        if routes.observe(route) {
            *self.learned.write() = Arc::clone(routes.learned());
            drop(routes);
            self.change_urgently();
        }
    }

    /// Says whether it is new.
    fn remember(&self, set: &RwLock<HashSet<String>>, entry: &str, max: usize) -> bool {
        if set.read().contains(entry) {
            return false;
        }
        let mut set = set.write();
        let new = set.len() < max && set.insert(entry.to_owned());
        if new {
            self.change();
        }
        new
    }

    fn change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// Lost in a crash, this would let a name be given that was not to be, or turn a route back.
    fn change_urgently(&self) {
        self.urgent.store(true, Ordering::Release);
        self.change();
    }

    pub(crate) fn pend(&self, credential: SessionHash, undecided: Undecided) {
        let mut pending = self.pending.lock();
        if pending.len() >= MAX_PENDING {
            let now = undecided.since;
            pending.retain(|_, other| fresh(other, now));
            if pending.len() >= MAX_PENDING
                && let Some(oldest) = pending.iter().min_by_key(|(_, u)| u.since).map(|(c, _)| *c)
            {
                pending.remove(&oldest);
            }
        }
        pending.insert(credential, undecided);
        self.pending_count.store(pending.len(), Ordering::Release);
    }

    pub(crate) fn pending(&self, credential: &SessionHash, now: Micros) -> Option<Undecided> {
        if self.pending_count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.pending
            .lock()
            .get(credential)
            .filter(|undecided| fresh(undecided, now))
            .cloned()
    }

    pub(crate) fn settle(&self, credential: &SessionHash) {
        if self.pending_count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut pending = self.pending.lock();
        pending.remove(credential);
        self.pending_count.store(pending.len(), Ordering::Release);
    }
}

/// What stands for a route: itself, unless it is long.
fn key(route: &str) -> Cow<'_, str> {
    if route.len() <= MAX_TEXT {
        return Cow::Borrowed(route);
    }
    let digest = Sha256::digest(route);
    let start = route.get(..route.floor_char_boundary(MAX_TEXT / 2));
    // No route holds a NUL.
    let mut key = format!("{}\0", start.unwrap_or_default());
    for byte in digest.iter().take(16) {
        key.push_str(&format!("{byte:02x}"));
    }
    Cow::Owned(key)
}

fn fresh(undecided: &Undecided, now: Micros) -> bool {
    now.0.saturating_sub(undecided.since.0) < PENDING_MICROS
}

/// Whether a path is another one, or stands below it.
fn is_below(above: &str, path: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
