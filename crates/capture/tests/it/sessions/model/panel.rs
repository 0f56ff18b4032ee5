//! A panel whose ways are drawn by lot, and which knows who it thinks each request is from.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;

use super::*;

/// How long the value before a rotation is still good, where it is.
const GRACE: i64 = 60_000_000;

/// What the cookie of a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieWay {
    /// A fresh value at sign-in, and that one until sign-out.
    Regenerated,
    /// The value that a visitor has, through sign-in, sign-out and the next admin.
    Kept,
    /// A fresh value at sign-in, and another one every third request.
    Rotating,
    /// The whole session is in the cookie, which every response encrypts anew.
    Encrypted,
    /// No cookie but a token in JSON.
    Token,
}

/// What a right password is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    RedirectHome,
    RedirectClients,
    Json,
    NoContent,
}

/// What a wrong one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    dead_code,
    reason = "it comes with the sign-ins that wait for a request"
)]
pub enum Wrong {
    FormAgain,
    RedirectToForm,
    /// As a right one: only the next request tells.
    Alike,
    Unauthorized,
    SaysNo,
}

/// What strangers get instead of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    RedirectToForm,
    Unauthorized,
    RedirectHome,
    /// The form, under the address of the page.
    FormInstead,
}

/// What sign-out does with the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Out {
    Removes,
    Keeps,
    FreshGuest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    None,
    Form,
    Json,
}

#[derive(Debug, Clone)]
pub struct Ways {
    pub cookie: CookieWay,
    pub right: Right,
    pub wrong: Wrong,
    pub away: Away,
    pub out: Out,
    /// Of each admin.
    pub factor: [Factor; 2],
    /// Strangers get a session's cookie, too.
    pub guests: bool,
    /// A wrong password gets a fresh cookie.
    pub wrong_sets: bool,
    /// A kept cookie is set anew with the sign-in's answer.
    pub sets_at_sign_in: bool,
    /// A kept cookie is set anew with every answer.
    pub sets_each: bool,
    /// Values that nobody gave out become sessions (PHP without strict mode).
    pub adopts: bool,
    /// The value before a rotation is good for a while.
    pub grace: bool,
    pub home_is_public: bool,
    /// A cookie that makes new sessions.
    pub remembers: bool,
    /// Sign-out takes it away.
    pub forgets: bool,
    /// Seconds without a request after which a session is over.
    pub idle: Option<i64>,
}

pub fn ways() -> impl Strategy<Value = Ways> {
    use {Away as A, CookieWay as C, Factor as F, Out as O, Right as R, Wrong as W};
    let factor = || prop::sample::select(vec![F::None, F::None, F::None, F::Form, F::Json]);
    let shape = (
        prop::sample::select(vec![
            C::Regenerated,
            C::Kept,
            C::Rotating,
            C::Encrypted,
            C::Token,
        ]),
        prop::sample::select(vec![
            R::RedirectHome,
            R::RedirectClients,
            R::Json,
            R::NoContent,
        ]),
        prop::sample::select(vec![
            W::FormAgain,
            W::RedirectToForm,
            W::Alike,
            W::Unauthorized,
            W::SaysNo,
        ]),
        prop::sample::select(vec![
            A::RedirectToForm,
            A::Unauthorized,
            A::RedirectHome,
            A::FormInstead,
        ]),
        prop::sample::select(vec![O::Removes, O::Keeps, O::FreshGuest]),
        [factor(), factor()],
        prop::option::of(prop::sample::select(vec![600_i64, 3_000])),
    );
    (shape, any::<[bool; 9]>()).prop_map(
        |((cookie, right, wrong, away, out, factor, idle), yes)| Ways {
            cookie,
            right: match right {
                _ if cookie == C::Token => R::Json,
                right => right,
            },
            wrong,
            away: match away {
                // Only the next request tells, but it does.
                A::RedirectHome | A::FormInstead if wrong == W::Alike => A::RedirectToForm,
                away => away,
            },
            out,
            factor,
            guests: yes[0],
            wrong_sets: yes[1],
            sets_at_sign_in: yes[2],
            sets_each: yes[3],
            adopts: yes[4],
            grace: yes[5],
            home_is_public: yes[6],
            remembers: yes[7] && cookie != C::Token,
            forgets: yes[8],
            idle,
        },
    )
}

/// Who the panel thinks a request was from, while it handled it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub admin: Option<usize>,
    pub acting_as: Option<String>,
    /// Whose session the credential was, if it died without a word and the panel still gives no
    /// sign of that.
    pub ghost: Option<usize>,
    /// It is neither a sign-in nor a part of one: whoever is known here should be named.
    pub ordinary: bool,
    pub what: String,
}

#[derive(Debug, Clone, Default)]
struct Session {
    admin: Option<usize>,
    /// The password was right; the second factor is missing.
    half: Option<(usize, bool)>,
    acting_as: Option<String>,
    used: i64,
    ghost: Option<usize>,
    /// Whose it was before it ended silently and began anew, by a cookie that remembers.
    reborn: Option<usize>,
    requests: u32,
    /// It was sent away for want of a right: what it is answered shows nothing for now.
    doubtful: bool,
    /// It is nobody's, after a wrong password that was answered as a right one.
    alike: bool,
}

/// A value that was given out: the session, and until when it is good.
#[derive(Debug, Clone, Copy)]
struct Given {
    session: usize,
    until: i64,
}

pub struct Model {
    ways: Ways,
    now: Arc<AtomicI64>,
    sessions: Vec<Session>,
    given: HashMap<String, Given>,
    remembered: HashMap<String, usize>,
    values: u32,
    /// Pages that have answered somebody signed in. A refusal anywhere else may be for want of a
    /// right, and is no sign that a session is over.
    answered: HashSet<String>,
    /// Somebody without a cookie has seen a page that everybody may see.
    strangers_saw_it: bool,
    pub verdicts: Vec<Verdict>,
}

/// What becomes of the cookies.
#[derive(Default)]
struct Reply {
    status: u16,
    location: Option<&'static str>,
    kind: &'static str,
    body: String,
    set: Vec<String>,
}

impl Reply {
    fn page(body: &str) -> Self {
        Self {
            status: 200,
            kind: "text/html",
            body: body.to_owned(),
            ..Self::default()
        }
    }

    fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            kind: "application/json",
            body: body.to_owned(),
            ..Self::default()
        }
    }

    fn redirect(to: &'static str) -> Self {
        Self {
            status: 302,
            location: Some(to),
            ..Self::default()
        }
    }

    fn response(&self) -> Response<TestBody> {
        let mut headers: Vec<(&str, &str)> = Vec::new();
        if !self.kind.is_empty() {
            headers.push(("content-type", self.kind));
        }
        headers.extend(self.location.map(|to| ("location", to)));
        headers.extend(self.set.iter().map(|set| ("set-cookie", set.as_str())));
        answer(self.status, &headers, &self.body)
    }
}

impl Model {
    pub fn new(ways: Ways, now: Arc<AtomicI64>) -> Self {
        Self {
            ways,
            now,
            sessions: Vec::new(),
            given: HashMap::new(),
            remembered: HashMap::new(),
            values: 0,
            answered: HashSet::new(),
            strangers_saw_it: false,
            verdicts: Vec::new(),
        }
    }

    /// The panel restarts, or somebody empties its table of sessions.
    pub fn lose_sessions(&mut self) {
        for session in &mut self.sessions {
            session.ghost = session.admin.take().or(session.ghost);
            session.half = None;
            session.acting_as = None;
        }
    }

    /// A session that a stranger got from the panel.
    pub fn guest_value(&mut self) -> String {
        let session = self.session(None);
        self.give(session)
    }

    fn clock(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    fn session(&mut self, admin: Option<usize>) -> usize {
        self.sessions.push(Session {
            admin,
            used: self.clock(),
            ..Session::default()
        });
        self.sessions.len() - 1
    }

    /// A fresh value for a session.
    fn give(&mut self, session: usize) -> String {
        self.values += 1;
        let value = match self.ways.cookie {
            CookieWay::Token => format!("eyJhbGciOiJIUzI1NiJ9.e30.{:06}", self.values),
            _ => sid(self.values),
        };
        let until = i64::MAX;
        self.given.insert(value.clone(), Given { session, until });
        value
    }

    /// The session of a request.
    fn known(&mut self, held: Option<&str>) -> Option<usize> {
        let held = held?;
        let now = self.clock();
        let found = self.given.get(held).filter(|given| now < given.until);
        let session = match found {
            Some(given) => given.session,
            None if self.ways.adopts
                && self.ways.cookie == CookieWay::Kept
                && !self.given.contains_key(held) =>
            {
                let session = self.session(None);
                let until = i64::MAX;
                self.given.insert(held.to_owned(), Given { session, until });
                session
            }
            None => return None,
        };
        let idle = self
            .ways
            .idle
            .map_or(i64::MAX, |seconds| seconds * 1_000_000);
        let it = &mut self.sessions[session];
        if now - it.used > idle {
            it.ghost = it.admin.take().or(it.ghost);
            it.half = None;
            it.acting_as = None;
        }
        it.used = now;
        it.requests += 1;
        Some(session)
    }

    fn set(&self, value: &str) -> String {
        format!("sessionid={value}; HttpOnly; Path=/")
    }

    /// Signs an admin in: which session it is from now on, and the value that the answer sets.
    fn sign_in(&mut self, at: Option<usize>, admin: usize) -> (usize, Option<String>) {
        match (self.ways.cookie, at) {
            (CookieWay::Kept, Some(session)) => {
                let it = &mut self.sessions[session];
                it.admin = Some(admin);
                it.acting_as = None;
                it.half = None;
                it.ghost = None;
                let value = self.ways.sets_at_sign_in.then(|| self.value_of(session));
                (session, value)
            }
            _ => {
                if let Some(old) = at
                    && self.ways.cookie != CookieWay::Encrypted
                {
                    self.sessions[old] = Session::default();
                }
                let session = self.session(Some(admin));
                (session, Some(self.give(session)))
            }
        }
    }

    fn value_of(&self, session: usize) -> String {
        let of_it = |given: &&String| self.given[*given].session == session;
        self.given.keys().find(of_it).cloned().unwrap_or_default()
    }

    pub fn answer(&mut self, asked: &Asked) -> Response<TestBody> {
        let bearer = asked.headers.get("authorization");
        let bearer = bearer.and_then(|it| it.to_str().ok()?.strip_prefix("Bearer "));
        let held = match self.ways.cookie {
            CookieWay::Token => bearer.map(str::to_owned),
            _ => asked.cookie("sessionid"),
        };
        let mut at = self.known(held.as_deref());
        // A value that was replaced and is not taken any more was somebody's all the same.
        let stale = held.as_ref().and_then(|held| self.given.get(held));
        let stale = stale.filter(|_| at.is_none()).and_then(|it| {
            let session = &self.sessions[it.session];
            session.admin.or(session.ghost)
        });
        let mut set = Vec::new();
        // A remembered admin without a session gets one.
        let signed_in = at.is_some_and(|at| self.sessions[at].admin.is_some());
        if !signed_in
            && asked.path != "/login"
            && let Some(admin) = asked
                .cookie("remember_me")
                .and_then(|it| self.remembered.get(&it).copied())
        {
            let silently = at.and_then(|at| self.sessions[at].ghost.or(self.sessions[at].reborn));
            let (session, value) =
                self.sign_in(at.filter(|_| self.ways.cookie == CookieWay::Kept), admin);
            set.extend(value.map(|value| self.set(&value)));
            self.sessions[session].reborn = silently;
            at = Some(session);
        }
        let before = at.map(|at| self.sessions[at].clone()).unwrap_or_default();
        let mut verdict = Verdict {
            admin: before.admin,
            acting_as: before.acting_as.clone(),
            ghost: before.ghost.or(stale).or(before.reborn),
            ordinary: true,
            what: format!("{} {}", asked.method, asked.path),
        };
        let mut reply = self.route(asked, &mut at, &mut verdict);
        let sets_session = reply
            .set
            .iter()
            .chain(&set)
            .any(|it| it.starts_with("sessionid="));
        if !sets_session && self.ways.cookie != CookieWay::Token {
            // Sent to a page that no stranger has seen, as after any other deed, or a value that was
            // replaced already is replaced there: no sign that the session is over, and its end
            // stays silent.
            let led = reply.location == Some("/about");
            let replaced = stale.is_some() && reply.status == 200;
            let alike = self.ways.wrong == Wrong::Alike && asked.method == http::Method::POST;
            let silent = alike || ((led || replaced) && !self.strangers_saw_it);
            let ghost = verdict.ghost.filter(|_| silent);
            reply.set.extend(self.renewed(at, held.as_deref(), ghost));
        }
        reply.set.splice(0..0, set);
        self.verdicts.push(verdict);
        reply.response()
    }

    /// What every answer does with the cookie.
    fn renewed(
        &mut self,
        at: Option<usize>,
        held: Option<&str>,
        ghost: Option<usize>,
    ) -> Option<String> {
        let Some(session) = at else {
            if !self.ways.guests {
                return None;
            }
            let guest = self.session(None);
            self.sessions[guest].ghost = ghost;
            let value = self.give(guest);
            return Some(self.set(&value));
        };
        match self.ways.cookie {
            CookieWay::Kept if self.ways.sets_each => Some(self.set(held?)),
            CookieWay::Rotating if self.sessions[session].requests.is_multiple_of(3) => {
                let now = self.clock();
                if let Some(old) = held.and_then(|held| self.given.get_mut(held)) {
                    old.until = if self.ways.grace { now + GRACE } else { now };
                }
                let value = self.give(session);
                Some(self.set(&value))
            }
            CookieWay::Encrypted => {
                // What the old value says it goes on saying, whatever happens to the new one.
                let copy = self.sessions[session].clone();
                self.sessions.push(copy);
                let value = self.give(self.sessions.len() - 1);
                Some(self.set(&value))
            }
            _ => None,
        }
    }

    fn route(&mut self, asked: &Asked, at: &mut Option<usize>, verdict: &mut Verdict) -> Reply {
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        let path = asked.path.as_str();
        match (asked.method.as_str(), path) {
            ("GET", "/login") => {
                verdict.ordinary = false;
                verdict.ghost = None;
                Reply::page(FORM_PAGE)
            }
            ("POST", "/login") => self.password(&body, at, verdict),
            ("POST", "/2fa") => self.second_factor(&body, at, verdict),
            ("GET", "/logout") => self.sign_out(asked, at, verdict),
            (_, "/about") => {
                self.strangers_saw_it |= !asked.headers.contains_key("cookie");
                Reply::page("about us")
            }
            (_, "/") if self.ways.home_is_public => {
                self.strangers_saw_it |= !asked.headers.contains_key("cookie");
                Reply::page("home")
            }
            _ => {
                let Some(session) = at.filter(|at| self.sessions[*at].admin.is_some()) else {
                    return self.send_away(*at, path, verdict);
                };
                self.page(asked.method.as_str(), path, session, verdict)
            }
        }
    }

    fn page(&mut self, method: &str, path: &str, session: usize, verdict: &mut Verdict) -> Reply {
        let hidden = matches!(path, "/settings" | "/owners");
        if method == "GET" && !hidden && !self.sessions[session].doubtful {
            self.answered.insert(path.to_owned());
        }
        match (method, path) {
            ("GET", "/settings") if self.sessions[session].admin == Some(1) => {
                Reply::json(403, "{\"error\":\"not for you\"}")
            }
            ("GET", "/owners") if self.sessions[session].admin == Some(1) => {
                // Some panels lead whoever lacks a right to the form.
                self.sessions[session].doubtful = true;
                Reply::redirect("/login")
            }
            ("POST", "/clients/5/login-as") => {
                self.sessions[session].acting_as = Some("client/5".to_owned());
                verdict.acting_as = Some("client/5".to_owned());
                Reply::redirect("/portal")
            }
            ("POST", "/clients/6/login-as") => Reply::json(200, "{\"success\":false}"),
            ("POST", "/stop-impersonating") => {
                self.sessions[session].acting_as = None;
                Reply::redirect("/clients")
            }
            ("POST", _) => Reply::redirect("/clients"),
            (_, path) if path.starts_with("/api/") => Reply::json(200, "{\"data\":[]}"),
            _ => Reply::page("a page"),
        }
    }

    fn send_away(&mut self, at: Option<usize>, path: &str, verdict: &mut Verdict) -> Reply {
        let api = path.starts_with("/api/");
        let tells = api || matches!(self.ways.away, Away::RedirectToForm | Away::Unauthorized);
        if tells {
            verdict.ghost = None;
        }
        let alike = at.is_some_and(|at| self.sessions[at].alike);
        let known = self.answered.contains(path) || alike;
        if tells
            && known
            && let Some(at) = at
        {
            self.sessions[at].ghost = None;
        }
        match self.ways.away {
            _ if api => Reply::json(401, "{\"error\":\"sign in\"}"),
            Away::RedirectToForm => Reply::redirect("/login"),
            Away::Unauthorized => Reply {
                status: 401,
                ..Reply::page("sign in")
            },
            Away::RedirectHome => Reply::redirect("/about"),
            Away::FormInstead => Reply::page(FORM_PAGE),
        }
    }

    fn password(&mut self, body: &str, at: &mut Option<usize>, verdict: &mut Verdict) -> Reply {
        verdict.ordinary = false;
        let admin = usize::from(body.contains("boris"));
        if !body.contains("right") {
            return self.wrong_password(at, admin, verdict);
        }
        let factor = self.ways.factor[admin];
        if factor != Factor::None {
            // A session of its own that is worth nothing yet.
            let session = match (self.ways.cookie, *at) {
                (CookieWay::Kept, Some(session)) => session,
                _ => self.session(None),
            };
            self.sessions[session].admin = None;
            self.sessions[session].acting_as = None;
            self.sessions[session].half = Some((admin, body.contains("remember=1")));
            *at = Some(session);
            verdict.admin = None;
            let value = self.give_or_keep(session);
            let mut reply = match (factor, self.ways.cookie) {
                (_, CookieWay::Token) => Reply::json(
                    200,
                    &format!("{{\"mfa_required\":true,\"token\":\"{value}\"}}"),
                ),
                (Factor::Json, _) => Reply::json(200, "{\"mfa_required\":true}"),
                _ => Reply::redirect("/2fa"),
            };
            if self.ways.cookie != CookieWay::Token {
                reply.set.push(self.set(&value));
            }
            return reply;
        }
        let remembers = body.contains("remember=1");
        self.accepted(at, admin, remembers, verdict)
    }

    fn give_or_keep(&mut self, session: usize) -> String {
        let kept = self.value_of(session);
        if self.ways.cookie == CookieWay::Kept && !kept.is_empty() {
            kept
        } else {
            self.give(session)
        }
    }

    fn accepted(
        &mut self,
        at: &mut Option<usize>,
        admin: usize,
        remembers: bool,
        verdict: &mut Verdict,
    ) -> Reply {
        let (session, value) = self.sign_in(*at, admin);
        *at = Some(session);
        verdict.admin = Some(admin);
        verdict.acting_as = None;
        let mut reply = match (self.ways.right, self.ways.cookie) {
            (_, CookieWay::Token) => {
                let token = value.clone().unwrap_or_default();
                Reply::json(200, &format!("{{\"token\":\"{token}\"}}"))
            }
            (Right::RedirectHome, _) => Reply::redirect("/"),
            (Right::RedirectClients, _) => Reply::redirect("/clients"),
            (Right::Json, _) => Reply::json(200, "{\"ok\":true}"),
            (Right::NoContent, _) => Reply {
                status: 204,
                ..Reply::default()
            },
        };
        if self.ways.cookie != CookieWay::Token {
            reply.set.extend(value.map(|value| self.set(&value)));
        }
        if remembers && self.ways.remembers {
            self.values += 1;
            let value = sid(self.values);
            self.remembered.insert(value.clone(), admin);
            reply.set.push(format!(
                "remember_me={value}; HttpOnly; Path=/; Max-Age=2592000"
            ));
        }
        reply
    }

    fn wrong_password(
        &mut self,
        at: &mut Option<usize>,
        admin: usize,
        verdict: &mut Verdict,
    ) -> Reply {
        let mut reply = match self.ways.wrong {
            Wrong::FormAgain => Reply::page(FORM_PAGE),
            Wrong::RedirectToForm => Reply::redirect("/login"),
            Wrong::Alike => match (self.ways.right, self.ways.cookie) {
                // A token for nobody would be no way of any panel.
                (_, CookieWay::Token) => Reply::json(401, "{\"error\":\"wrong\"}"),
                (Right::RedirectHome, _) => Reply::redirect("/"),
                (Right::RedirectClients, _) => Reply::redirect("/clients"),
                // A script is told whether it was right.
                (Right::Json | Right::NoContent, _) => Reply::json(401, "{\"error\":\"wrong\"}"),
            },
            Wrong::Unauthorized => Reply {
                status: 401,
                ..Reply::page(FORM_PAGE)
            },
            Wrong::SaysNo => Reply::json(200, "{\"success\":false,\"message\":\"Wrong password\"}"),
        };
        let alike = reply.location.is_some_and(|to| to != "/login");
        if let Some(at) = at.filter(|_| alike) {
            // Whoever was signed in is so no more, or nobody could tell who it is.
            self.sessions[at].admin = None;
            self.sessions[at].acting_as = None;
            verdict.admin = None;
            verdict.acting_as = None;
        }
        let signed_in = at.is_some_and(|at| self.sessions[at].admin.is_some());
        if self.ways.wrong_sets && !signed_in && self.ways.cookie != CookieWay::Token {
            let session = match (self.ways.cookie, *at) {
                (CookieWay::Kept, Some(session)) => session,
                _ => self.session(None),
            };
            let value = self.give_or_keep(session);
            reply.set.push(self.set(&value));
            *at = Some(session);
        }
        if alike {
            // As a right one, until a page that sends strangers away is asked for.
            verdict.ghost = Some(admin);
            if let Some(at) = *at {
                self.sessions[at].ghost = Some(admin);
                self.sessions[at].alike = true;
            }
        }
        reply
    }

    fn second_factor(
        &mut self,
        body: &str,
        at: &mut Option<usize>,
        verdict: &mut Verdict,
    ) -> Reply {
        verdict.ordinary = false;
        let half = at.and_then(|at| self.sessions[at].half);
        let Some((admin, remembers)) = half else {
            return Reply::redirect("/login");
        };
        if !body.contains("right") {
            return match self.ways.factor[admin] {
                Factor::Json => Reply::json(401, "{\"error\":\"wrong code\"}"),
                _ => Reply::redirect("/2fa"),
            };
        }
        self.accepted(at, admin, remembers, verdict)
    }

    fn sign_out(&mut self, asked: &Asked, at: &mut Option<usize>, verdict: &mut Verdict) -> Reply {
        verdict.ordinary = false;
        let mut reply = Reply::redirect("/login");
        if let Some(session) = *at
            && self.ways.cookie != CookieWay::Encrypted
        {
            let used = self.sessions[session].used;
            self.sessions[session] = Session {
                used,
                ..Session::default()
            };
        }
        if self.ways.forgets
            && let Some(remembered) = asked.cookie("remember_me")
        {
            self.remembered.remove(&remembered);
            reply.set.push("remember_me=; Max-Age=0; Path=/".to_owned());
        }
        match (self.ways.out, self.ways.cookie) {
            (_, CookieWay::Token)
            | (Out::Keeps, CookieWay::Kept | CookieWay::Regenerated | CookieWay::Rotating) => {}
            (Out::Removes, _) => reply.set.push("sessionid=; Max-Age=0; Path=/".to_owned()),
            (Out::FreshGuest | Out::Keeps, _) => {
                let guest = self.session(None);
                let value = self.give(guest);
                reply.set.push(self.set(&value));
                *at = Some(guest);
            }
        }
        reply
    }
}
