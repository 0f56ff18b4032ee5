//! Responses to a submitted second factor.

use admintrail_event::Step;

use super::sign_in::{SignInPeek, accept, is_off_topic};
use super::{Exchange, Finding, Fresh, Naming, Peek, ordinary};
use crate::identity::Undecided;

pub(super) fn on_head(exchange: &Exchange<'_>) -> Finding {
    let waiting: Vec<(Fresh, &Undecided)> = exchange
        .identity
        .credentials
        .iter()
        .filter(|credential| !credential.doubted)
        .filter_map(|credential| {
            let undecided = credential.pending.as_ref()?;
            let cookie = credential.cookie.clone();
            Some((
                Fresh {
                    hash: credential.hash,
                    cookie,
                    until: undecided.until,
                },
                undecided,
            ))
        })
        .collect();
    let Some((_, first)) = waiting.first() else {
        // Somebody signed in already proves it again, or nothing is known of the first step.
        let back = matches!(
            exchange.redirect(),
            Some(Some(Step::SignIn | Step::SignInForm))
        );
        return if back {
            // No code was awaited, which says nothing of a session.
            Finding::new(Naming::Nobody)
        } else {
            ordinary::on_head(exchange)
        };
    };
    let (admin, session) = (first.admin.clone(), first.session);
    let attempt = Finding::new(Naming::Attempt(Some(admin.clone())));
    if exchange.status.is_client_error() {
        return if is_off_topic(exchange.status) {
            attempt
        } else {
            attempt.denied()
        };
    }
    let mut fresh = exchange.fresh_cookies();
    // What the first step set counts as well: panels often keep that cookie.
    fresh.extend(waiting.iter().map(|(fresh, _)| fresh.clone()));
    let accept = || {
        accept(
            exchange.recorder,
            exchange.identity,
            &admin,
            session,
            &fresh,
            exchange.now,
        )
    };
    match exchange.redirect() {
        Some(Some(Step::SecondFactor)) => attempt.denied(),
        Some(Some(Step::SignIn | Step::SignInForm)) => {
            for fresh in &fresh {
                exchange.recorder.memory().settle(&fresh.hash);
            }
            attempt.denied()
        }
        Some(_) => accept(),
        None if !exchange.status.is_success() || exchange.is_html() => attempt,
        None if exchange.is_json() && !exchange.empty && !exchange.is_encoded() => {
            let peek = SignInPeek::new(
                false,
                Some(admin.clone()),
                fresh,
                Some(session),
                exchange.reading.unlearned_route().to_owned(),
            );
            Finding {
                peek: Some(Box::new(Peek::SignIn(peek))),
                ..attempt
            }
        }
        None if exchange.empty => accept(),
        // It cannot be read, so it may say anything.
        None => attempt,
    }
}
