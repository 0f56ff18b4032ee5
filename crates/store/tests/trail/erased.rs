//! What an erasure left is proven against what it said in the ledger.

use std::sync::atomic::Ordering;

use admintrail_event::{CanonicalFields, Event, PanelName, Seq};
use admintrail_ledger::{Checkpoint, verify_erased};
use admintrail_store::{
    Erased, ProofState, ProvenErased, Retention, Trail, View, verification_key,
};
use rusqlite::Connection;

use crate::erasure::order;
use crate::sealing::{DAY, Small, drafts};
use crate::support::{by, draft, view};

fn erase(trail: &Trail, admin: &str) -> Erased {
    trail.erase(&order(trail, admin), |_| {}).unwrap()
}

/// Blocks of nine events, three of each of three admins.
fn recorded(small: &Small) -> Trail {
    let trail = small.open();
    for block in 0..6 {
        small.append(&trail, drafts(block * 9..block * 9 + 9));
    }
    trail.publish().unwrap();
    trail
}

fn events(trail: &Trail) -> Vec<Event> {
    let chunks = trail.scan(&View::default());
    let mut events: Vec<Event> = chunks.flat_map(Result::unwrap).collect();
    events.sort_by_key(|event| event.seq);
    events
}

/// Every event is proven, each as what it is. Those that were erased, with their proofs.
#[track_caller]
fn all_proven(small: &Small, trail: &Trail) -> Vec<(Event, ProvenErased)> {
    let mut proving = trail.proving().unwrap().unwrap();
    let key = verification_key(small.dir.path(), trail.state().log).unwrap();
    let checkpoint = Checkpoint::open(proving.checkpoint().as_bytes(), &[key.unwrap()]).unwrap();
    let mut erased = Vec::new();
    for event in events(trail) {
        let (found, state) = proving.prove_number(event.seq).unwrap();
        assert_eq!(found.as_ref(), Some(&event));
        match state {
            ProofState::Erased(proven) => {
                let fields = CanonicalFields::from(&event);
                verify_erased(&fields, &proven.proof, checkpoint.head).unwrap();
                assert_eq!(proven.proof.size(), checkpoint.head.size);
                erased.push((event, *proven));
            }
            other => assert!(
                matches!(other, ProofState::Proven(_)),
                "{other:?}: {event:?}"
            ),
        }
    }
    erased
}

#[test]
fn every_event_of_whoever_was_erased_is_proven_and_nothing_else_in_its_place() {
    let small = Small::new(24);
    let trail = recorded(&small);
    let done = erase(&trail, "olena");
    let erased = all_proven(&small, &trail);
    assert_eq!((erased.len() as u64, done.events), (18, 18));
    // They are found by the pseudonym, one after the other and page by page.
    let asked = view(&format!("admin:{}", done.pseudonym));
    let found: Vec<Event> = trail.scan(&asked).flat_map(Result::unwrap).collect();
    assert_eq!(found.len(), 18, "{asked:?}");
    for (event, proven) in &erased {
        let said = proven.statement.declared();
        assert_eq!(event.draft.admin.as_deref(), Some(done.pseudonym.as_str()));
        assert_eq!(said.subject.as_deref(), Some(done.pseudonym.as_str()));
        assert_eq!(Some(proven.proof.statement().index()), done.entry);
        assert!(proven.entry < proven.proof.statement().index());
        let mut changed = event.clone();
        changed.draft.path.push('x');
        let state = trail.prove(&changed).unwrap();
        assert!(matches!(state, ProofState::Failed(_)), "{state:?}");
        assert!(matches!(trail.prove(event).unwrap(), ProofState::Erased(_)));
    }
    // Beside a server, and after a restart.
    trail.close();
    let again = all_proven(&small, &small.open());
    assert!(
        again
            .iter()
            .zip(&erased)
            .all(|(a, b)| a.1.proof == b.1.proof)
    );
}

#[test]
fn of_an_event_that_two_were_erased_from_the_later_erasure_tells() {
    let small = Small::new(24);
    let trail = recorded(&small);
    let mut both = by("tom", draft(900));
    both.acting_as = Some("olena".to_owned());
    let mut shop = [both, by("olena", draft(901))];
    for draft in &mut shop {
        draft.panel = "shop".parse().unwrap();
    }
    small.append(&trail, shop);
    let first = erase(&trail, "olena");
    let second = erase(&trail, "tom");
    let erased = all_proven(&small, &trail);
    let by = |done: &Erased| {
        let of = |proven: &ProvenErased| Some(proven.proof.statement().index()) == done.entry;
        erased.iter().filter(|(_, proven)| of(proven)).count() as u64
    };
    assert_eq!((by(&first), by(&second)), (first.events - 1, second.events));
    // Some of what was left is removed since: its hashes are remembered.
    small.now.fetch_add(20 * DAY, Ordering::Relaxed);
    small.append(&trail, drafts(990..999));
    trail.seal().unwrap();
    trail.set_retention(Retention {
        days: 400,
        panels: [("billing".parse::<PanelName>().unwrap(), 10)].into(),
    });
    trail.upkeep().unwrap();
    trail.publish().unwrap();
    let left = all_proven(&small, &trail);
    assert!(
        left.iter()
            .all(|(event, _)| event.draft.panel.as_str() == "shop")
    );
    assert_eq!((left.len(), erased.len()), (2, 38));
    trail.close();
}

#[test]
fn nothing_is_said_of_what_an_erasure_leaves_before_it_is_done() {
    let small = Small::new(24);
    let trail = recorded(&small);
    erase(&trail, "olena");
    let ledger = Connection::open(small.dir.path().join("ledger.db")).unwrap();
    let change = |sql: &str| assert_eq!(ledger.execute(sql, []).unwrap(), 1);
    let first = |trail: &Trail| {
        let mut proving = trail.proving().unwrap().unwrap();
        proving.prove_number(Seq(1)).unwrap().1
    };
    assert!(matches!(first(&trail), ProofState::Erased(_)));
    change("UPDATE erasures SET done = 0");
    assert!(matches!(first(&trail), ProofState::Rewriting));
    change("UPDATE erasures SET done = 1");
    change("UPDATE erasures SET key = zeroblob(32)");
    assert!(matches!(first(&trail), ProofState::Failed(_)));
    trail.close();
}
