//! Responses to submitted credentials.

use admintrail_event::{KnownBy, Micros, Preset, SessionHash, Step};
use http::StatusCode;

use super::{
    Change, Confirmation, Exchange, Finding, Fresh, Naming, Peek, bind, end_bound_of, ordinary,
    pend,
};
use crate::identity::resolve::remembers;
use crate::identity::{Identity, Proof, Saved, Source, reply};
use crate::{Binding, Recorder};

/// What a body has to decide.
pub(crate) struct SignInPeek {
    html: bool,
    admin: Option<String>,
    fresh: Vec<Fresh>,
    /// The session it continues, if a second factor completes an earlier step.
    session: Option<SessionHash>,
    /// Route of the request.
    route: String,
}

impl SignInPeek {
    pub(super) const fn new(
        html: bool,
        admin: Option<String>,
        fresh: Vec<Fresh>,
        session: Option<SessionHash>,
        route: String,
    ) -> Self {
        Self {
            html,
            admin,
            fresh,
            session,
            route,
        }
    }
}

/// A 4xx that says nothing of the password: wrong route, method, size or type.
pub(super) const fn is_off_topic(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        404 | 405 | 406 | 408 | 410 | 411 | 413 | 414 | 415 | 431
    )
}

pub(super) fn on_head(exchange: &Exchange<'_>) -> Finding {
    let typed = exchange.typed.clone();
    let fresh = exchange.fresh_cookies();
    let signed_in = matches!(
        exchange.identity.source,
        Source::Header | Source::Jwt | Source::Token | Source::Basic | Source::Session
    ) || exchange.identity.is_doubted();
    let set_proves = exchange.recorder.rules().preset.set_proves();
    if typed.is_none() && signed_in && (fresh.is_empty() || set_proves) {
        // Somebody signed in asks for a route that only reads like a sign-in: nothing was typed,
        // and nothing set. That must not hide who it was.
        return Finding {
            not_the_step: true,
            ..ordinary::on_head(exchange)
        };
    }
    let attempt = Finding::new(Naming::Attempt(typed.clone()));
    if exchange.status.is_client_error() {
        if is_off_topic(exchange.status) {
            return attempt;
        }
        exchange.recorder.memory().refused_plainly();
        return attempt.denied();
    }
    if exchange.status.is_server_error() {
        return attempt;
    }
    if set_proves && exchange.status.is_success() && !fresh.is_empty() {
        return success(exchange, &fresh);
    }
    match exchange.redirect() {
        // Right so far: whoever had this session before has it no more.
        Some(Some(Step::SecondFactor)) => {
            let memory = exchange.recorder.memory();
            memory.signed_in_on(exchange.reading.unlearned_route());
            if let Some(admin) = &typed {
                pend(
                    exchange.recorder,
                    exchange.identity,
                    (admin, exchange.reading.unlearned_route()),
                    &fresh,
                    Proof::BothFactors,
                    exchange.now,
                );
            }
            Finding {
                saved: end_bound_of(exchange.recorder, exchange.identity, &[]),
                ..attempt
            }
        }
        Some(Some(Step::SignIn | Step::SignInForm)) => {
            exchange.recorder.memory().refused_plainly();
            attempt.denied()
        }
        Some(_) if exchange.recorder.memory().answers_alike() || leads_to_strangers(exchange) => {
            undecided(exchange, &fresh)
        }
        Some(_) => {
            let mut finding = success(exchange, &fresh);
            if let Naming::Admin { session, admin, .. } = &finding.naming {
                let recorder = exchange.recorder;
                recorder.memory().bound_by_redirect(*session);
                if !recorder.rules().preset.redirect_proves()
                    && !recorder.memory().refuses_plainly()
                {
                    finding.confirmation = Confirmation::of(recorder, admin, *session);
                }
            }
            finding
        }
        None if !exchange.status.is_success() => attempt,
        None if exchange.is_html() && exchange.is_encoded() => undecided(exchange, &fresh),
        None if exchange.is_html() || (exchange.is_json() && !exchange.is_encoded()) => {
            if exchange.empty {
                return success(exchange, &fresh);
            }
            // Whoever is faster than the body finds the sign-in undecided.
            if let Some(admin) = &typed {
                pend(
                    exchange.recorder,
                    exchange.identity,
                    (admin, exchange.reading.unlearned_route()),
                    &fresh,
                    Proof::Protected,
                    exchange.now,
                );
            }
            let peek = SignInPeek::new(
                exchange.is_html(),
                typed,
                fresh,
                None,
                exchange.reading.unlearned_route().to_owned(),
            );
            Finding {
                peek: Some(Box::new(Peek::SignIn(peek))),
                ..attempt
            }
        }
        None if exchange.empty => success(exchange, &fresh),
        // It cannot be read, so it may say anything.
        None => undecided(exchange, &fresh),
    }
}

/// Whether the redirect leads where a refused form leads as well: back to its own page, to the one
/// it was sent from, or to a page that strangers see. `/` is taken for one until it has sent a
/// stranger away.
fn leads_to_strangers(exchange: &Exchange<'_>) -> bool {
    let preset = &exchange.recorder.rules().preset;
    let Some(target) = exchange
        .target_route()
        .filter(|_| !preset.redirect_proves())
    else {
        return false;
    };
    let memory = exchange.recorder.memory();
    let came_from = exchange
        .referer
        .map(|referer| exchange.route_of(&Preset::target_path("/", referer)));
    target == exchange.route_of(exchange.path)
        || came_from.as_ref() == Some(&target)
        || memory.is_for_everybody(&target)
        || (target == exchange.route_of("/") && !memory.is_protected(&target))
}

/// The next protected request decides.
fn undecided(exchange: &Exchange<'_>, fresh: &[Fresh]) -> Finding {
    let (recorder, identity, now) = (exchange.recorder, exchange.identity, exchange.now);
    let typed = exchange.typed.clone();
    let route = exchange.reading.unlearned_route();
    let confirmation = typed.as_ref().and_then(|admin| {
        let by = (admin.as_str(), route);
        let kept = kept(recorder, identity, fresh);
        let session = pend(recorder, identity, by, &kept, Proof::Protected, now)?;
        Confirmation::of(recorder, admin, session)
    });
    let saved = replaced(recorder, identity, typed.as_deref(), fresh, route, now);
    Finding {
        saved,
        confirmation,
        ..Finding::new(Naming::Attempt(typed))
    }
}

/// What the next protected request may prove: what the response set, or the only session's cookie
/// that came along where it set none. Some panels keep the cookie that a visitor has, and say
/// nothing of it.
fn kept(recorder: &Recorder, identity: &Identity, fresh: &[Fresh]) -> Vec<Fresh> {
    if !fresh.is_empty() || recorder.rules().preset.set_proves() {
        return fresh.to_vec();
    }
    let carried = identity.credentials.iter().filter_map(|credential| {
        let name = credential.cookie.as_deref()?;
        let until = credential.pending.as_ref().and_then(|it| it.until);
        (!remembers(name)).then(|| Fresh {
            hash: credential.hash,
            cookie: Some(Box::from(name)),
            until,
        })
    });
    let carried: Vec<Fresh> = carried.collect();
    if carried.len() == 1 {
        carried
    } else {
        Vec::new()
    }
}

/// Whoever was bound to this cookie may have been replaced: not by a name that nobody has on this
/// panel, typed into what may be any form (on this route nobody ever signed in), while nothing new
/// was set. Otherwise an admin could become unknown by sending such a form.
fn replaced(
    recorder: &Recorder,
    identity: &Identity,
    typed: Option<&str>,
    fresh: &[Fresh],
    route: &str,
    now: Micros,
) -> Vec<Saved> {
    let mut other = false;
    for credential in &identity.credentials {
        let pending = credential.pending.as_ref().map(|pending| &pending.admin);
        let holder = credential.holder();
        other |= holder.is_some_and(|admin| typed.is_some_and(|typed| typed != admin));
        let set = fresh.iter().any(|fresh| fresh.hash == credential.hash);
        if !set && pending.is_some_and(|admin| typed != Some(admin.as_str())) {
            recorder.memory().settle(&credential.hash);
        }
    }
    let known = || typed.is_some_and(|name| recorder.trunk().keeper.knows(recorder.panel(), name));
    let signs_in = || recorder.memory().has_signed_in_on(route);
    if !fresh.is_empty() || (other && (identity.is_doubted() || known() || signs_in())) {
        return end_bound_of(recorder, identity, &[]);
    }
    if typed.is_none() {
        return Vec::new();
    }
    // The same admin, signed in anew perhaps: as whom is not known any more.
    let keeper = &recorder.trunk().keeper;
    let acting = identity.credentials.iter().filter_map(|credential| {
        let binding = keeper.lookup(recorder.panel(), &credential.hash, now)?;
        binding.acting_as.is_some().then_some((credential, binding))
    });
    let as_oneself = acting.map(|(credential, binding)| {
        let binding = Binding {
            acting_as: None,
            ..binding
        };
        keeper.change(recorder.panel(), credential.hash, Change::Bind(binding))
    });
    as_oneself.collect()
}

/// A success, if something was set that can be bound and a name was typed.
fn success(exchange: &Exchange<'_>, fresh: &[Fresh]) -> Finding {
    let (Some(admin), Some(first)) = (&exchange.typed, fresh.first()) else {
        return undecided(exchange, fresh);
    };
    if is_contested(exchange.recorder, exchange.identity, admin) {
        return undecided(exchange, fresh);
    }
    let (recorder, identity, now) = (exchange.recorder, exchange.identity, exchange.now);
    recorder
        .memory()
        .signed_in_on(exchange.reading.unlearned_route());
    let session = recorder.session_of(first.hash, identity.carries(&first.hash), now);
    accept(recorder, identity, admin, session, fresh, now)
}

/// Whether somebody else is signed in already, on a panel that sets the cookie of a living session
/// anew with every answer: "you are signed in" looks there as a success does, whatever was typed.
fn is_contested(recorder: &Recorder, identity: &Identity, admin: &str) -> bool {
    let other = identity.credentials.iter().any(|credential| {
        let bound = credential.bound.as_ref().map(|bound| &bound.admin);
        let doubted = credential.pending.as_ref().filter(|_| credential.doubted);
        bound
            .or(doubted.map(|doubted| &doubted.admin))
            .is_some_and(|holder| holder != admin)
    });
    other && recorder.memory().rotates() && !recorder.rules().preset.set_proves()
}

/// Binds, ends what the request carried before, and names the admin.
pub(super) fn accept(
    recorder: &Recorder,
    identity: &Identity,
    admin: &str,
    session: SessionHash,
    fresh: &[Fresh],
    now: Micros,
) -> Finding {
    let mut saved = bind(recorder, (admin, None), session, fresh, now);
    saved.extend(end_bound_of(recorder, identity, fresh));
    let naming = Naming::Admin {
        admin: admin.to_owned(),
        known_by: KnownBy::Session,
        session,
        acting_as: None,
    };
    Finding {
        saved,
        ..Finding::new(naming)
    }
}

impl SignInPeek {
    /// Looks into the body so far (`None`: it was too long to keep). `None` in return: more of it
    /// is needed.
    pub(super) fn decide(
        &self,
        recorder: &Recorder,
        identity: &Identity,
        body: Option<&[u8]>,
        last: bool,
        now: Micros,
    ) -> Option<Finding> {
        let Some(body) = body else {
            return Some(self.unread(recorder, identity, now));
        };
        if self.html {
            if !last {
                return None;
            }
            return Some(if reply::shows_sign_in_form(body) {
                self.refused(recorder)
            } else {
                self.unread(recorder, identity, now)
            });
        }
        match reply::read_so_far(body, last)? {
            // What cannot be read may say anything.
            None => Some(self.unread(recorder, identity, now)),
            Some(reply::Reply::Refused) => Some(self.refused(recorder)),
            Some(reply::Reply::SecondFactor) => {
                recorder.memory().signed_in_on(&self.route);
                if let Some(admin) = &self.admin {
                    pend(
                        recorder,
                        identity,
                        (admin, &self.route),
                        &self.fresh,
                        Proof::BothFactors,
                        now,
                    );
                }
                Some(Finding {
                    saved: end_bound_of(recorder, identity, &[]),
                    ..Finding::new(Naming::Attempt(self.admin.clone()))
                })
            }
            Some(reply::Reply::Neutral) => Some(self.accepted(recorder, identity, Vec::new(), now)),
            Some(reply::Reply::Tokens(tokens)) => {
                let tokens = Fresh::tokens(recorder, &tokens);
                Some(self.accepted(recorder, identity, tokens, now))
            }
        }
    }

    /// A 2xx that is no page and says nothing against it, with a cookie or a token.
    fn accepted(
        &self,
        recorder: &Recorder,
        identity: &Identity,
        tokens: Vec<Fresh>,
        now: Micros,
    ) -> Finding {
        let mut fresh = self.fresh.clone();
        let cookies_alone = tokens.is_empty();
        fresh.extend(tokens);
        let (Some(admin), Some(first)) = (&self.admin, fresh.first()) else {
            return self.unread(recorder, identity, now);
        };
        if cookies_alone && is_contested(recorder, identity, admin) {
            return self.unread(recorder, identity, now);
        }
        let session = self
            .session
            .unwrap_or_else(|| recorder.session_of(first.hash, identity.carries(&first.hash), now));
        recorder.memory().signed_in_on(&self.route);
        accept(recorder, identity, admin, session, &fresh, now)
    }

    /// It stays undecided: the next protected request decides about what is pending.
    fn unread(&self, recorder: &Recorder, identity: &Identity, now: Micros) -> Finding {
        let kept = kept(recorder, identity, &self.fresh);
        if let Some(admin) = self.admin.as_ref().filter(|_| self.fresh.is_empty()) {
            let by = (admin.as_str(), self.route.as_str());
            pend(recorder, identity, by, &kept, Proof::Protected, now);
        }
        let saved = replaced(
            recorder,
            identity,
            self.admin.as_deref(),
            &self.fresh,
            &self.route,
            now,
        );
        Finding {
            saved,
            ..Finding::new(Naming::Attempt(self.admin.clone()))
        }
    }

    fn refused(&self, recorder: &Recorder) -> Finding {
        recorder.memory().refused_plainly();
        if self.session.is_none() {
            for fresh in &self.fresh {
                recorder.memory().settle(&fresh.hash);
            }
        }
        Finding::new(Naming::Attempt(self.admin.clone())).denied()
    }
}
