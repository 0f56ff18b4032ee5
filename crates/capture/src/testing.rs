//! Checks that every implementation of a trait of this room must pass, and what its benchmarks ask.

use std::sync::Arc;

use admintrail_event::{Micros, PanelName, SessionHash};
use http::request::Parts;

use crate::identity::{Change, Identity};
use crate::{Binding, Bindings, Recorder};

/// Who seems to make a request, as every request is asked.
pub fn resolve(recorder: &Recorder, request: &mut Parts, now: Micros) -> Option<String> {
    let identity = Identity::of(recorder, request, None, now);
    // Every request is held against the sessions that were ended, too.
    let refused = identity.is_ended(recorder);
    identity.admin.filter(|_| !refused)
}

/// Binds a cookie as a sign-in does; completes when that is durable.
pub async fn bind(
    recorder: &Recorder,
    name: &[u8],
    value: &[u8],
    binding: impl FnOnce(SessionHash) -> Binding,
) {
    let credential = recorder.hasher().cookie(name, value);
    let change = Change::Bind(binding(credential));
    let keeper = &recorder.trunk().keeper;
    keeper
        .change(recorder.panel(), credential, change)
        .wait()
        .await;
}

/// Lets an implementation of [`Bindings`] show that it keeps its promises. `open` opens it anew on
/// the same place, as after a restart; `durable` says whether that is expected to remember.
///
/// # Panics
/// At the first broken promise.
pub async fn bindings_contract(open: impl Fn() -> Arc<dyn Bindings>, durable: bool) {
    let bindings = open();
    names_whom_it_bound(&*bindings).await;
    keeps_panels_apart(&*bindings).await;
    replaces_and_ends(&*bindings).await;
    knows_folded_names(&*bindings).await;
    takes_many_at_once(&bindings).await;
    if durable {
        let kept = sample("contract-durable", "olena@example.com", 90);
        saved(bindings.bind(hash(90), kept.clone()).await);
        saved(
            bindings
                .bind(hash(91), sample("contract-durable", "boris", 91))
                .await,
        );
        saved(bindings.end(&panel("contract-durable"), hash(91)).await);
        drop(bindings);
        let again = open();
        assert_eq!(
            again.lookup(&kept.panel, &hash(90)),
            Some(kept.clone()),
            "bound is kept"
        );
        assert_eq!(
            again.lookup(&kept.panel, &hash(91)),
            None,
            "ended stays ended"
        );
        assert!(
            again.knows(&kept.panel, "boris"),
            "who signed in once stays known"
        );
    }
}

async fn names_whom_it_bound(bindings: &dyn Bindings) {
    let full = Binding {
        admin_name: Some("Olena B.".to_owned()),
        until: Some(Micros(4_000_000_000_000_000)),
        acting_as: Some("client/4711".to_owned()),
        ..sample("contract-a", "olena@example.com", 1)
    };
    assert_eq!(
        bindings.lookup(&full.panel, &hash(1)),
        None,
        "nobody before"
    );
    saved(bindings.bind(hash(1), full.clone()).await);
    assert_eq!(
        bindings.lookup(&full.panel, &hash(1)),
        Some(full.clone()),
        "every field is kept"
    );
    assert_eq!(
        bindings.lookup(&full.panel, &hash(2)),
        None,
        "no other credential"
    );
}

async fn keeps_panels_apart(bindings: &dyn Bindings) {
    let (here, there) = (
        sample("contract-a", "olena", 3),
        sample("contract-b", "boris", 3),
    );
    saved(bindings.bind(hash(3), here.clone()).await);
    assert_eq!(
        bindings.lookup(&there.panel, &hash(3)),
        None,
        "bound on one panel only"
    );
    saved(bindings.bind(hash(3), there.clone()).await);
    saved(bindings.end(&there.panel, hash(3)).await);
    assert_eq!(
        bindings.lookup(&here.panel, &hash(3)),
        Some(here),
        "ended on the other only"
    );
    assert!(
        !bindings.knows(&panel("contract-a"), "boris"),
        "known where they signed in"
    );
}

async fn replaces_and_ends(bindings: &dyn Bindings) {
    let (first, next) = (
        sample("contract-a", "olena", 4),
        sample("contract-a", "boris", 5),
    );
    saved(bindings.bind(hash(4), first.clone()).await);
    saved(bindings.bind(hash(4), next.clone()).await);
    assert_eq!(
        bindings.lookup(&next.panel, &hash(4)),
        Some(next),
        "the last one counts"
    );
    saved(bindings.end(&first.panel, hash(4)).await);
    saved(bindings.end(&first.panel, hash(4)).await);
    assert_eq!(
        bindings.lookup(&first.panel, &hash(4)),
        None,
        "ending twice is ending"
    );
    assert!(
        bindings.knows(&first.panel, "olena"),
        "ending forgets no name"
    );
}

async fn knows_folded_names(bindings: &dyn Bindings) {
    saved(
        bindings
            .bind(hash(6), sample("contract-a", "Jürgen.GROSS", 6))
            .await,
    );
    for name in ["Jürgen.GROSS", "jürgen.gross", "JÜRGEN.GROSS"] {
        assert!(
            bindings.knows(&panel("contract-a"), name),
            "{name} is known in any case"
        );
    }
    assert!(
        !bindings.knows(&panel("contract-a"), "jürgen"),
        "only whole names are known"
    );
}

async fn takes_many_at_once(bindings: &Arc<dyn Bindings>) {
    let many = (0..64_u8).map(|n| {
        let binding = sample("contract-many", &format!("admin{n}"), n);
        bindings.bind(hash(n), binding)
    });
    for result in futures_util::future::join_all(many).await {
        saved(result);
    }
    for n in 0..64_u8 {
        let binding = bindings.lookup(&panel("contract-many"), &hash(n));
        assert_eq!(
            binding.map(|b| b.admin),
            Some(format!("admin{n}")),
            "none is lost"
        );
    }
}

#[expect(clippy::panic, reason = "a contract test fails by panicking")]
fn saved(result: Result<(), crate::SinkError>) {
    if let Err(error) = result {
        panic!("a change was refused: {error}");
    }
}

const fn hash(n: u8) -> SessionHash {
    SessionHash([n; 16])
}

#[expect(clippy::unwrap_used, reason = "constant names of this file")]
fn panel(name: &str) -> PanelName {
    name.parse().unwrap()
}

fn sample(name: &str, admin: &str, session: u8) -> Binding {
    Binding {
        panel: panel(name),
        admin: admin.to_owned(),
        admin_name: None,
        session: hash(session),
        since: Micros(1_795_000_000_000_000),
        until: None,
        acting_as: None,
    }
}
