//! Responses to everything that is not a step of signing in or out.

use admintrail_event::{Micros, RequestHead, Step};
use http::header::WWW_AUTHENTICATE;
use http::{Method, StatusCode};

use super::{
    Change, Exchange, Finding, Fresh, Naming, basic, bind, cookies, doubt_bound, end_bound,
    impersonation, proof,
};
use crate::Binding;
use crate::identity::resolve::{is_beside_a_strange_one, is_overruled, remembers};
use crate::identity::{Credential, Proof, Saved, Source, Undecided};

/// A cookie that was replaced stays good for requests already under way, and for tabs that have
/// not heard of the new one.
const GRACE_MICROS: i64 = 2 * 60 * Micros::SECOND;

/// Panels end sessions that were idle; none does so sooner. A panel that sets its cookie anew with
/// each answer shows by that when it was used last.
const IN_USE_MICROS: i64 = 10 * 60 * Micros::SECOND;

/// A sliding expiry, or a use, is written down again only when it moved by this much.
const SLIDE_MICROS: i64 = 60 * Micros::SECOND;

pub(super) fn on_head(exchange: &Exchange<'_>) -> Finding {
    let leads_to_sign_in = matches!(
        exchange.redirect(),
        Some(Some(Step::SignIn | Step::SignInForm))
    );
    let sent = leads_to_sign_in && exchange.reading.step == Step::Ordinary;
    learn_route(exchange, sent);
    let mut finding = match exchange.identity.source {
        Source::Header => Finding::new(Naming::Keep),
        Source::Jwt => of_jwt(exchange, sent),
        Source::Token => of_token(exchange, sent),
        Source::Basic => of_basic(exchange, sent),
        Source::Session => of_session(exchange, sent),
        Source::Contested if sent => sent_away(),
        Source::Contested => Finding::new(Naming::Nobody),
        Source::Nothing => of_nobody(exchange, sent),
    };
    impersonation::on_head(exchange, &mut finding);
    finding
}

/// What strangers see tells which routes prove that somebody is signed in. Only a plain GET counts:
/// with a query, another method or a stale cookie a public page may send anybody away as well.
fn learn_route(exchange: &Exchange<'_>, sent: bool) {
    let (identity, reading) = (exchange.identity, exchange.reading);
    if exchange.method != Method::GET || reading.step != Step::Ordinary {
        return;
    }
    let memory = exchange.recorder.memory();
    if identity.anonymous && exchange.status.is_success() {
        memory.answered_unasked(exchange.path);
        memory.answered_everybody(reading.unlearned_route());
    }
    let refused = (sent || exchange.status == StatusCode::UNAUTHORIZED) && !reading.asset;
    if refused && exchange.query.is_none() {
        let fresh = |c: &Credential| c.bound.is_none() && !c.doubted && c.pending.is_some();
        let unknown_user = identity.claimed.is_some() && basic::is_challenge(exchange.headers);
        let stranger = identity.anonymous
            || unknown_user
            || identity.credentials.iter().any(fresh)
            || memory.is_unproven(identity.session);
        if stranger {
            memory.refused_stranger(reading.unlearned_route());
        }
    }
}

/// The user of a basic authentication is a claim until the panel has answered where it has asked a
/// stranger for one: whoever leaves before, finds nothing or meets an error has proven nothing,
/// unless the same name and password were let in a moment ago. Once let in there, they count on
/// other pages as well, which may answer everybody.
pub(super) fn of_basic(exchange: &Exchange<'_>, sent: bool) -> Finding {
    if sent {
        return sent_away();
    }
    let claimed = exchange.identity.claimed.clone();
    let memory = exchange.recorder.memory();
    let let_in = exchange.status.is_success() || exchange.status.is_redirection();
    // Browsers ask with OPTIONS what they may send, and are answered without credentials.
    let preset = &exchange.recorder.rules().preset;
    // Pictures, styles and scripts are for everybody on most panels, whatever name is sent.
    let unchecked = exchange.reading.asset || preset.checks_basic(exchange.path) == Some(false);
    let asked = exchange.method != Method::OPTIONS
        && !unchecked
        && !memory.is_for_everybody(exchange.reading.unlearned_route());
    let checked = preset.checks_basic(exchange.path) == Some(true)
        || memory.is_protected(exchange.reading.unlearned_route());
    let mut proven = false;
    if let Some(proof) = exchange.identity.claimed_by {
        if let_in && asked && checked {
            memory.let_in(proof, exchange.now);
        }
        proven = let_in && asked && memory.knows_let_in(&proof, exchange.now);
        if says_who_are_you(exchange) && basic::is_challenge(exchange.headers) {
            memory.shut_out(&proof);
        } else if (!let_in || unchecked)
            && !says_who_are_you(exchange)
            && memory.was_let_in(&proof, exchange.now)
            && let Some(user) = claimed
        {
            return Finding::new(Naming::Basic(user));
        }
    }
    let finding = Finding::new(match claimed {
        Some(user) if proven => Naming::Basic(user),
        Some(user) if !let_in && !unchecked => Naming::Attempt(Some(user)),
        _ => Naming::Nobody,
    });
    let tried = matches!(finding.naming, Naming::Attempt(_));
    Finding {
        basic_refused: tried && exchange.status == StatusCode::UNAUTHORIZED,
        ..finding
    }
}

/// Whether the answer says nothing of who asks, or that the panel does not know it.
fn says_who_are_you(exchange: &Exchange<'_>) -> bool {
    let preset = &exchange.recorder.rules().preset;
    exchange.method == Method::OPTIONS
        || (exchange.status == StatusCode::UNAUTHORIZED && !preset.refuses_with_401())
}

/// Whose a token is, is a claim until the panel has accepted it where it does not answer everybody;
/// one that it refuses is an attempt of whoever holds it.
pub(super) fn of_token(exchange: &Exchange<'_>, sent: bool) -> Finding {
    if sent {
        return sent_away();
    }
    let (memory, status) = (exchange.recorder.memory(), exchange.status);
    let Some(token) = exchange.identity.session else {
        return Finding::new(Naming::Nobody);
    };
    if is_refusal(status) {
        return Finding::new(Naming::RefusedToken(token));
    }
    let accepted = (status.is_success() || status.is_redirection())
        && exchange.method != Method::OPTIONS
        && !memory.is_for_everybody(exchange.reading.unlearned_route());
    Finding::new(if accepted {
        Naming::Token
    } else {
        Naming::Nobody
    })
}

fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

/// A token that the panel itself reads and does not take is revoked, or not for it. One that a
/// gateway before us reads says who it is, whatever the panel thinks of them.
fn of_jwt(exchange: &Exchange<'_>, sent: bool) -> Finding {
    let rule = exchange.recorder.rules().jwt.as_ref();
    let read_by_panel = rule.is_some_and(|rule| rule.header == http::header::AUTHORIZATION);
    match exchange.status {
        _ if sent && read_by_panel => sent_away(),
        StatusCode::UNAUTHORIZED if read_by_panel => Finding::new(Naming::Nobody),
        _ => Finding::new(Naming::Keep),
    }
}

fn sent_away() -> Finding {
    Finding {
        sent_to_sign_in: true,
        ..Finding::new(Naming::Nobody).denied()
    }
}

fn of_session(exchange: &Exchange<'_>, sent: bool) -> Finding {
    let memory = exchange.recorder.memory();
    let route = exchange.reading.unlearned_route();
    if sent {
        // Expired, or ended elsewhere, or without the right to see this page: whoever holds the
        // cookie now is not known to be the last admin.
        let saved = lose(exchange);
        if let Some(session) = exchange.identity.session {
            memory.proved(session, false);
        }
        return Finding {
            saved,
            ..sent_away()
        };
    }
    if exchange.status == StatusCode::UNAUTHORIZED && !only_lacks_the_right(exchange) {
        // This route may want something else, or the session is over: the next page known to answer
        // sessions tells.
        let saved = lose(exchange);
        if let Some(session) = exchange.identity.session {
            memory.proved(session, false);
        }
        return Finding {
            saved,
            ..Finding::new(Naming::Nobody)
        };
    }
    let answered = exchange.status.is_success();
    if answered && exchange.reading.step == Step::SignInForm {
        // Whoever is shown the form is not signed in, as far as the panel is concerned.
        return Finding::new(Naming::Nobody);
    }
    let (saved, certain) = follow_cookies(exchange);
    if !certain {
        return Finding {
            saved,
            ..Finding::new(Naming::Nobody)
        };
    }
    if exchange.recorder.rules().preset.set_proves() && loses_cookie(exchange) {
        // It knows the cookie no longer, whatever page it shows.
        return Finding {
            saved,
            ..Finding::new(Naming::Nobody).denied()
        };
    }
    if answered && exchange.reading.step == Step::Ordinary && !exchange.reading.asset {
        if let Some(session) = exchange.identity.session {
            memory.proved(session, true);
        }
        memory.answered_session(route);
    }
    Finding {
        saved,
        ..Finding::new(Naming::Keep)
    }
}

/// Whether a 401 is how this panel says no to somebody whom it knows: to whom it does not know it
/// says how to sign in (RFC 9110, section 11.6.1).
fn only_lacks_the_right(exchange: &Exchange<'_>) -> bool {
    let preset = &exchange.recorder.rules().preset;
    preset.refuses_sessions_with_401() && !exchange.headers.contains_key(WWW_AUTHENTICATE)
}

/// Whether the response takes away the cookie that named the admin.
fn loses_cookie(exchange: &Exchange<'_>) -> bool {
    let removed = |name: &[u8]| {
        cookies::set(exchange.headers, exchange.now)
            .iter()
            .any(|cookie| cookie.removed && cookie.name == name)
    };
    exchange.headers.contains_key(http::header::SET_COOKIE)
        && exchange.identity.credentials.iter().any(|credential| {
            credential.bound.is_some() && credential.cookie.as_deref().is_some_and(removed)
        })
}

/// A response to a known session may set its cookie anew, or remove it. False: nobody knows whose
/// the session is that goes on.
fn follow_cookies(exchange: &Exchange<'_>) -> (Vec<Saved>, bool) {
    if !exchange.headers.contains_key(http::header::SET_COOKIE) {
        return (Vec::new(), true);
    }
    let mut certain = true;
    let (recorder, now) = (exchange.recorder, exchange.now);
    let change = |hash, change| {
        recorder
            .trunk()
            .keeper
            .change(recorder.panel(), hash, change)
    };
    let mut saved = Vec::new();
    let set = cookies::set(exchange.headers, now);
    for credential in &exchange.identity.credentials {
        let Credential {
            hash,
            cookie: Some(name),
            bound: Some(binding),
            ..
        } = credential
        else {
            continue;
        };
        let Some(cookie) = set.iter().find(|cookie| cookie.name == &**name) else {
            continue;
        };
        if cookie.removed {
            saved.push(change(*hash, Change::End));
            continue;
        }
        let fresh = recorder.hasher().cookie(cookie.name, cookie.value);
        let extended = Binding {
            until: cookie.until,
            ..binding.clone()
        };
        if fresh == *hash {
            let unused_micros = now.0.saturating_sub(binding.since.0);
            if has_moved(binding.until, cookie.until) || unused_micros > SLIDE_MICROS {
                let used = Binding {
                    since: now,
                    ..extended
                };
                change(fresh, Change::Bind(used));
            }
            continue;
        }
        if is_beside_a_strange_one(
            exchange.recorder,
            &exchange.identity.credentials,
            &binding.admin,
        ) {
            saved.push(change(*hash, Change::End));
            certain = false;
            continue;
        }
        recorder.memory().rotated();
        if may_be_a_guest(exchange, binding) {
            let next = Undecided {
                admin: binding.admin.clone(),
                session: binding.session,
                until: cookie.until,
                since: now,
                proof: Proof::Protected,
                typed_on: None,
                acting_as: binding.acting_as.clone(),
            };
            recorder.memory().bound_cookie(name);
            recorder.memory().pend(fresh, next);
            continue;
        }
        // Rotated. Visible at once and written down right after: nobody waits for it. Where the value
        // was replaced before, and the panel remembers the admin, this may be a session of its own.
        let reborn = is_replaced(binding.until, now) && exchange.carries_remembering();
        let rotated = Binding {
            since: now,
            acting_as: extended.acting_as.filter(|_| !reborn),
            ..extended
        };
        change(fresh, Change::Bind(rotated));
        if needs_grace(binding.until, now) {
            let until = Some(Micros(now.0 + GRACE_MICROS));
            change(
                *hash,
                Change::Bind(Binding {
                    until,
                    ..binding.clone()
                }),
            );
        }
    }
    saved.extend(follow_remembered(exchange, &set));
    (saved, certain)
}

/// An admin who was to be remembered came without a session, and this response begins one.
fn follow_remembered(exchange: &Exchange<'_>, set: &[cookies::SetCookie<'_>]) -> Vec<Saved> {
    let (recorder, identity) = (exchange.recorder, exchange.identity);
    let held = |name: &[u8]| {
        let mut held = identity.credentials.iter();
        held.any(|credential| credential.cookie.as_deref() == Some(name))
    };
    let mut bound = identity.credentials.iter().filter(|it| it.bound.is_some());
    let (Some(admin), Some(session)) = (&identity.admin, identity.session) else {
        return Vec::new();
    };
    if !bound.all(|it| it.cookie.as_deref().is_some_and(remembers)) {
        return Vec::new();
    }
    let preset = &recorder.rules().preset;
    let begun = set.iter().filter(|cookie| {
        let rule = preset.is_session_cookie(cookie.name);
        let begins = rule == Some(true)
            || (rule.is_none()
                && recorder.memory().binds_cookie(cookie.name)
                && !remembers(cookie.name));
        begins && !cookie.removed && !held(cookie.name)
    });
    let fresh: Vec<Fresh> = begun
        .map(|cookie| Fresh {
            hash: recorder.hasher().cookie(cookie.name, cookie.value),
            cookie: Some(Box::from(cookie.name)),
            until: cookie.until,
        })
        .collect();
    // A guest's, where the panel remembers nobody any more and answers all the same.
    if recorder
        .memory()
        .is_protected(exchange.reading.unlearned_route())
    {
        return bind(recorder, (admin, None), session, &fresh, exchange.now);
    }
    for fresh in fresh {
        let next = Undecided {
            admin: admin.clone(),
            session,
            until: fresh.until,
            since: exchange.now,
            proof: Proof::Protected,
            typed_on: None,
            acting_as: None,
        };
        recorder.memory().pend(fresh.hash, next);
    }
    Vec::new()
}

/// Whether the panel may have replaced a session that is over by a guest's: it answered where it
/// answers everybody, or where that is not known, after the session was left alone for a while.
fn may_be_a_guest(exchange: &Exchange<'_>, binding: &Binding) -> bool {
    if exchange.recorder.rules().preset.set_proves() {
        return false;
    }
    let (memory, route) = (
        exchange.recorder.memory(),
        exchange.reading.unlearned_route(),
    );
    let in_use = exchange.now.0.saturating_sub(binding.since.0) < IN_USE_MICROS;
    if let Some(target) = exchange.target_route() {
        // Whoever is sent to a page that strangers see may be one. A page that this panel has shown
        // to admins, and to no stranger, is no such page; nor is where it leads an admin after a
        // change.
        let among_admins = in_use
            && (memory.is_for_sessions(&target) || exchange.changes)
            && !memory.is_for_everybody(&target)
            && target != exchange.route_of("/");
        return !(among_admins || memory.is_protected(&target));
    }
    memory.is_for_everybody(route) || !(in_use || memory.is_protected(route))
}

fn has_moved(from: Option<Micros>, to: Option<Micros>) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => from.0.abs_diff(to.0) > SLIDE_MICROS.unsigned_abs(),
        (from, to) => from != to,
    }
}

/// Whether the old cookie would live too long, or not long enough while it is still in use.
fn needs_grace(until: Option<Micros>, now: Micros) -> bool {
    until.is_none_or(|until| {
        let left = until.0.saturating_sub(now.0);
        !(GRACE_MICROS / 2..=GRACE_MICROS).contains(&left)
    })
}

/// Whether a cookie is good for a moment only, since another one has replaced it.
fn is_replaced(until: Option<Micros>, now: Micros) -> bool {
    until.is_some_and(|until| until.0.saturating_sub(now.0) <= GRACE_MICROS)
}

/// A session that was never answered was none; any other may still be alive.
fn lose(exchange: &Exchange<'_>) -> Vec<Saved> {
    let memory = exchange.recorder.memory();
    if memory.is_unproven(exchange.identity.session) {
        return end_bound(exchange, &[]);
    }
    memory.refused_session(exchange.reading.unlearned_route());
    follow_doubted(exchange);
    doubt_bound(exchange)
}

/// The cookie that a refusal sets anew goes on as doubted as the one before.
fn follow_doubted(exchange: &Exchange<'_>) {
    let over = exchange
        .recorder
        .memory()
        .is_for_sessions(exchange.reading.unlearned_route());
    let proof = if over { Proof::Alive } else { Proof::Again };
    for credential in &exchange.identity.credentials {
        let Some(binding) = &credential.bound else {
            continue;
        };
        let doubted = Credential {
            hash: credential.hash,
            cookie: credential.cookie.clone(),
            bound: None,
            pending: Some(Undecided {
                admin: binding.admin.clone(),
                session: binding.session,
                until: binding.until,
                since: exchange.now,
                proof,
                typed_on: None,
                acting_as: binding.acting_as.clone(),
            }),
            doubted: true,
        };
        follow_pending(exchange, &doubted);
    }
}

fn of_nobody(exchange: &Exchange<'_>, sent: bool) -> Finding {
    if let Some(user) = &exchange.identity.claimed
        && exchange.status == StatusCode::UNAUTHORIZED
        && basic::is_challenge(exchange.headers)
    {
        return Finding {
            basic_refused: true,
            ..Finding::new(Naming::Attempt(Some(user.clone())))
        };
    }
    let refused = sent || is_refusal(exchange.status);
    let ordinary = exchange.reading.step == Step::Ordinary && !exchange.reading.asset;
    let answered = exchange.status.is_success() && ordinary;
    if answered && exchange.identity.anonymous && shows_form_instead(exchange) {
        return sent_away();
    }
    let mut finding = if sent {
        sent_away()
    } else {
        Finding::new(Naming::Keep)
    };
    let undecided = || {
        let credentials = exchange.identity.credentials.iter();
        credentials.filter(|it| it.bound.is_none() && it.pending.is_some())
    };
    let claims = exchange.identity.unknown_token.is_some() || exchange.identity.claimed.is_some();
    if is_refusal(exchange.status)
        && !sent
        && !exchange.identity.is_doubted()
        && let Some(token) = exchange.identity.unknown_token
    {
        finding.naming = Naming::RefusedToken(token);
    }
    if claims {
        // What the panel's answer is about may be that, and says nothing of an undecided sign-in.
        return finding;
    }
    let mut admins = undecided().filter_map(|it| it.pending.as_ref().map(|it| &it.admin));
    let first = admins.next();
    let contested = admins.any(|admin| Some(admin) != first)
        || is_overruled(&exchange.identity.credentials)
        || first.is_some_and(|admin| {
            is_beside_a_strange_one(exchange.recorder, &exchange.identity.credentials, admin)
        });
    let mut proven = Vec::new();
    for credential in undecided() {
        let Some(pending) = &credential.pending else {
            continue;
        };
        if refused && ordinary {
            let memory = exchange.recorder.memory();
            memory.settle(&credential.hash);
            if !credential.doubted && exchange.status != StatusCode::FORBIDDEN {
                memory.tell(pending.session, false);
            }
        } else if contested {
            // Which of them the panel believes is not known here.
        } else if answered && proves(exchange, pending.proof) {
            proven.push(credential);
        } else {
            follow_pending(exchange, credential);
        }
    }
    let may_be_over = exchange.status != StatusCode::FORBIDDEN && !only_lacks_the_right(exchange);
    if refused && ordinary && may_be_over {
        finding.saved.extend(doubt_bound(exchange));
    }
    proof::on_head(exchange, &proven, &mut finding);
    finding
}

/// Whether the panel shows strangers its form here, instead of what they asked for.
fn shows_form_instead(exchange: &Exchange<'_>) -> bool {
    let head = RequestHead::new(exchange.method.as_str(), exchange.path, exchange.query);
    exchange.recorder.rules().preset.shows_form_instead(&head)
}

/// Whether this answer shows that somebody is signed in.
fn proves(exchange: &Exchange<'_>, proof: Proof) -> bool {
    // What strangers see was learned from GET.
    (matches!(proof, Proof::Again | Proof::Alive) || exchange.method == Method::GET)
        && exchange
            .recorder
            .memory()
            .proves(exchange.reading.unlearned_route(), proof)
}

/// An undecided sign-in whose cookie is set anew stays undecided under the new value.
fn follow_pending(exchange: &Exchange<'_>, credential: &Credential) {
    let (Some(name), Some(undecided)) = (&credential.cookie, &credential.pending) else {
        return;
    };
    let memory = exchange.recorder.memory();
    for fresh in exchange.fresh_cookies() {
        if fresh.cookie.as_ref() == Some(name) && fresh.hash != credential.hash {
            memory.bound_cookie(name);
            let renewed = Undecided {
                until: fresh.until,
                ..undecided.clone()
            };
            memory.pend(fresh.hash, renewed);
        }
    }
}
