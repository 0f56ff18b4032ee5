//! Whoever is erased is found nowhere any more, and the ledger still proves everything else.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use admintrail_event::{Draft, Event, Ip, KnownBy, Outcome, PanelName, SessionHash};
use admintrail_ledger::ReasonSeal;
use admintrail_store::{
    Erased, ErasureOrder, ProofState, Retention, StoreError, Submission, Trail, Verified,
    VerifyOptions, View, verify, without,
};
use rusqlite::Connection;

use crate::sealing::{DAY, Small, image, images, with_images};
use crate::support::{by, draft, small_segments, view};

const OLENA: &str = "olena@hosting.example";
const AGENT: &str = "Mozilla/5.0 (X11) Olenafox/128";

fn ip(last: u8) -> Ip {
    format!("203.0.113.{last}").parse().unwrap()
}

fn by_olena(n: u64) -> Draft {
    let mut draft = by(
        if n.is_multiple_of(2) {
            OLENA
        } else {
            "Olena@Hosting.example"
        },
        draft(n),
    );
    draft.admin_name = Some("Олена К".to_owned());
    draft.session = Some(SessionHash([7; 16]));
    if n.is_multiple_of(2) {
        draft.path = "/people/Olena/profile".to_owned();
        draft.route = Some("/people/Olena/profile".to_owned());
        draft.action = "Viewed olena's profile".to_owned();
    }
    draft.ip = Some(ip(77));
    draft.user_agent = Some(AGENT.to_owned());
    draft
}

/// Nobody's request from the same browser: the sign-in page before anybody is known.
fn from_her_browser(n: u64) -> Draft {
    let mut draft = draft(n);
    draft.ip = Some(ip(77));
    draft.user_agent = Some(AGENT.to_owned());
    draft
}

fn attempt(n: u64, name: &str, from: Ip) -> Draft {
    let mut draft = draft(n);
    draft.attempted = Some(name.to_owned());
    draft.known_by = KnownBy::Attempt;
    draft.outcome = Outcome::Denied;
    draft.ip = Some(from);
    draft.user_agent = Some("curl/8".to_owned());
    draft
}

fn search(n: u64, query: &str) -> Draft {
    let mut draft = by("auditor@hosting.example", draft(n));
    draft.panel = PanelName::own();
    draft.path = "/monitoring/admin-sessions".to_owned();
    draft.query = Some(query.to_owned());
    draft
}

fn on_her_page(n: u64) -> Draft {
    let mut draft = by("tom", draft(n));
    draft.path = "/users/olena%40hosting.example/edit".to_owned();
    draft.object = Some("users/Olena@hosting.example".to_owned());
    draft
}

/// Six blocks with everything in which a person may be.
fn everything(at: u64) -> Vec<Draft> {
    let mut tom = by("tom", draft(at + 3));
    tom.ip = Some(ip(77));
    tom.user_agent = Some(AGENT.to_owned());
    let mut as_olena = by("tom", draft(at + 4));
    as_olena.acting_as = Some(OLENA.to_owned());
    vec![
        from_her_browser(at),
        by_olena(at + 1),
        by_olena(at + 2),
        tom,
        as_olena,
        attempt(at + 5, OLENA, ip(9)),
        attempt(at + 6, "root", ip(9)),
        search(at + 7, "q=admin%3Aolena%40hosting.example+status%3A4xx"),
        search(at + 8, "q=%D0%BE%D0%BB%D0%B5%D0%BD%D0%B0+%D0%BA&limit=50"),
        on_her_page(at + 9),
        by("olenas", draft(at + 10)),
        by("mia", draft(at + 11)),
    ]
}

/// Four blocks in segments, two in hot.
fn recorded(small: &Small) -> Trail {
    let trail = small.open();
    for block in 0..6 {
        small.append(&trail, everything(block * 20));
        if block == 3 {
            trail.seal().unwrap();
        }
    }
    trail.publish().unwrap();
    trail
}

pub(crate) fn order(trail: &Trail, admin: &str) -> ErasureOrder {
    ErasureOrder {
        admin: admin.to_owned(),
        pseudonym: trail.pseudonym().unwrap(),
        by: "owner@hosting.example".to_owned(),
        approved_by: Some("second@hosting.example".to_owned()),
        reason: ReasonSeal::new(&[5; 32], "asked for it"),
    }
}

fn erase(trail: &Trail, order: &ErasureOrder) -> Erased {
    trail.erase(order, |_| {}).unwrap()
}

fn events(trail: &Trail) -> Vec<Event> {
    let chunks = trail.scan(&View::default());
    let mut events: Vec<Event> = chunks.flat_map(Result::unwrap).collect();
    events.sort_by_key(|event| event.seq);
    events
}

#[track_caller]
fn is_intact(dir: &Path) -> Verified {
    let verified = verify(dir, &VerifyOptions::default(), |_, _| {}).unwrap();
    assert!(verified.outcome.is_ok(), "{}: {verified:?}", dir.display());
    verified
}

/// Of each block: the two of hers, what tom did as her, the attempt at her name, two searches, her page,
/// and nobody's request from her browser.
const TOUCHED: u64 = 6 * 8;

#[track_caller]
fn is_of_nobody(events: &[Event]) {
    for event in events {
        let text = format!("{:?}", event.draft).to_lowercase();
        for name in ["olena@", "olena%40", "олена", "%d0%be%d0%bb", "olenafox"] {
            let from_toms_browser =
                name == "olenafox" && event.draft.admin.as_deref() == Some("tom");
            assert!(!text.contains(name) || from_toms_browser, "{name}: {text}");
        }
        let own = event.draft.ip == Some(ip(77));
        assert!(
            !own || event.draft.admin.as_deref() == Some("tom"),
            "{text}"
        );
    }
}

/// No file has these bytes.
#[track_caller]
fn no_file_has(dir: &Path, bytes: &[u8]) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_file_has(&path, bytes);
            continue;
        }
        let mut found = fs::read(&path).unwrap();
        if path.ends_with("derived.snapshot") {
            let packed = &found[20..];
            found = zstd::bulk::decompress(packed, 1 << 20).unwrap();
        }
        let at = found.windows(bytes.len()).position(|part| part == bytes);
        assert_eq!(
            at,
            None,
            "{} in {}",
            String::from_utf8_lossy(bytes),
            path.display()
        );
    }
}

#[test]
fn whoever_is_erased_is_found_nowhere_and_everything_else_is_as_it_was() {
    let small = Small::new(24);
    let trail = recorded(&small);
    let before = events(&trail);
    let order = order(&trail, "OLENA@hosting.example");
    let erased = erase(&trail, &order);
    assert_eq!(
        (erased.events, &erased.pseudonym),
        (TOUCHED, &order.pseudonym)
    );
    let after = events(&trail);
    is_of_nobody(&after);
    assert_eq!(before.len(), after.len());
    for (was, is) in before.iter().zip(&after) {
        let (was, is) = (&was.draft, &is.draft);
        assert_eq!(
            (was.id, was.time, was.outcome),
            (is.id, is.time, is.outcome)
        );
        assert_eq!((&was.method, was.session), (&is.method, is.session));
        if was == is {
            continue;
        }
        let pseudonym = Some(order.pseudonym.as_str());
        let her = was
            .admin
            .as_deref()
            .is_some_and(|admin| admin.to_lowercase() == OLENA);
        if her {
            assert_eq!(is.admin.as_deref(), pseudonym);
            assert_eq!(is.admin_name.as_deref(), pseudonym);
            assert_eq!((is.ip, is.user_agent.as_deref()), (None, pseudonym));
            let with_name = |text: &str| text.to_lowercase().contains("olena");
            let same = (&is.path, &is.action) == (&was.path, &was.action);
            assert_eq!(same, !with_name(&was.path), "{is:?}");
            assert!(!with_name(&is.path) && !with_name(&is.action), "{is:?}");
        } else {
            assert_eq!(is.admin, was.admin);
        }
    }
    // Where a name was, the pseudonym is, and the rest stays.
    let with = |filter: &str| trail.count(&view(filter)).unwrap().value;
    let name = &order.pseudonym;
    assert_eq!(with(&format!("admin:{name}")), 12);
    assert_eq!(with(&format!("attempted:{name}")), 6);
    assert_eq!(with("attempted:root ip:203.0.113.9"), 6);
    assert_eq!(with("admin:olenas"), 6);
    assert_eq!(
        with(&format!("path:/users/{name}/edit object:users/{name}")),
        6
    );
    let searched = after
        .iter()
        .filter_map(|event| event.draft.query.as_deref());
    let searched: Vec<&str> = searched.filter(|query| query.contains(name)).collect();
    assert_eq!(searched.len(), 12);
    assert!(
        searched.contains(&format!("q=admin:{name}%20status:4xx").as_str()),
        "{searched:?}"
    );
    // Sessions, the active, what is known of an id.
    assert!(!trail.knows_admin(OLENA) && trail.knows_admin(name));
    assert_eq!(trail.traces(OLENA).unwrap(), None);
    assert_eq!(trail.traces(name).unwrap().unwrap().own, 12);
    let sessions = format!("{:?}", trail.sessions(&View::default(), 0, 50).unwrap());
    assert!(!sessions.to_lowercase().contains("olena@"), "{sessions}");
    assert!(sessions.contains(name.as_str()));
    let found = is_intact(small.dir.path());
    let report = found.outcome.unwrap();
    assert_eq!((report.erased, report.whole), (TOUCHED, 72 - TOUCHED));
    assert_eq!(found.unfinished, Vec::<String>::new());
    let said = found.statements.values().next().unwrap().declared();
    assert_eq!(said.subject.as_deref(), Some(name.as_str()));
    assert_eq!(
        (said.events, said.approved_by.as_deref()),
        (TOUCHED, Some("second@hosting.example"))
    );
    assert!(said.reason.unwrap().fits(&[5; 32], "asked for it"));
    // The same order again, and after a restart.
    assert_eq!(erase(&trail, &order), erased);
    trail.close();
    let trail = small.open();
    assert_eq!(erase(&trail, &order), erased);
    assert_eq!(events(&trail), after);
    assert!(!trail.knows_admin(OLENA) && trail.knows_admin(name));
    let nobody = trail.erase(&super::erasure::order(&trail, OLENA), |_| {});
    assert!(
        matches!(nobody, Err(StoreError::Nobody { .. })),
        "{nobody:?}"
    );
    trail.close();
}

fn keys(dir: &Path) -> Vec<Vec<u8>> {
    let private = Connection::open(dir.join("ledger.db")).unwrap();
    let mut keys = private.prepare("SELECT key FROM blocks").unwrap();
    let keys = keys.query_map([], |row| row.get(0)).unwrap();
    keys.map(Result::unwrap).collect()
}

#[test]
fn no_file_has_a_name_an_address_or_what_hashes_were_salted_with() {
    let small = Small::new(24);
    let trail = recorded(&small);
    let keys = keys(small.dir.path());
    assert_eq!(keys.len(), 6);
    let order = order(&trail, OLENA);
    erase(&trail, &order);
    for round in ["running", "closed", "again"] {
        let dir = small.dir.path();
        for name in [
            OLENA,
            "Olena@Hosting.example",
            "Олена К",
            "олена к",
            "olena%40",
        ] {
            no_file_has(dir, name.as_bytes());
        }
        for key in &keys {
            no_file_has(dir, key);
        }
        match round {
            "running" => trail.close(),
            "closed" => small.open().close(),
            _ => {}
        }
    }
    // What is compressed is read.
    let trail = small.open();
    is_of_nobody(&events(&trail));
    for event in events(&trail) {
        let state = trail.prove(&event).unwrap();
        let name = Some(order.pseudonym.as_str());
        let of_her = [
            &event.draft.admin,
            &event.draft.acting_as,
            &event.draft.attempted,
        ];
        let of_her = of_her.iter().any(|id| id.as_deref() == name);
        match state {
            ProofState::Proven(_) => assert!(!of_her, "{event:?}"),
            ProofState::Erased(_) => {}
            other => panic!("{other:?} {event:?}"),
        }
    }
    trail.close();
}

#[test]
fn a_crash_at_any_step_of_an_erasure_is_made_good() {
    let small = Small::new(24);
    recorded(&small).close();
    let shots = tempfile::tempdir().unwrap();
    let (options, _) = with_images(&small, shots.path());
    let trail = Trail::open(options).unwrap();
    let order = order(&trail, OLENA);
    erase(&trail, &order);
    let expected = events(&trail);
    trail.close();
    let mut begun = 0;
    for shot in images(shots.path()) {
        let name = shot.display().to_string();
        // As it is, and once a server has looked after it.
        is_intact(&shot);
        let trail = Trail::open(small_segments(&shot, &small.now, small.seal)).unwrap();
        trail.upkeep().unwrap();
        trail.publish().unwrap();
        let found = is_intact(&shot);
        assert_eq!(found.unfinished, Vec::<String>::new(), "{name}");
        let planned = trail.traces(OLENA).unwrap().is_none();
        begun += usize::from(planned);
        assert_eq!(planned, !found.statements.is_empty(), "{name}");
        let erased = erase(&trail, &order);
        assert_eq!(erased.events, TOUCHED, "{name}");
        let found = is_intact(&shot);
        assert_eq!(found.statements.len(), 1, "{name}");
        assert_eq!(found.outcome.unwrap().erased, TOUCHED, "{name}");
        assert!(events(&trail) == expected, "{name}");
        trail.close();
        for name in [OLENA, "Olena@Hosting.example", "Олена К"] {
            no_file_has(&shot, name.as_bytes());
        }
        assert_eq!(
            fs::read_dir(shot.join("segments")).unwrap().count() as u64,
            2 * small_segments_of(&shot),
        );
    }
    assert!(begun > 20, "{begun}");
}

fn small_segments_of(dir: &Path) -> u64 {
    let database = Connection::open(dir.join("trail.db")).unwrap();
    let count = database.query_row("SELECT count(*) FROM segments", [], |row| {
        row.get::<_, u32>(0)
    });
    u64::from(count.unwrap())
}

#[test]
fn what_an_erasure_left_is_held_against_its_statement() {
    let small = Small::new(24);
    let trail = recorded(&small);
    trail.seal().unwrap();
    trail.close();
    let before = tempfile::tempdir().unwrap();
    image(small.dir.path(), before.path());
    let trail = small.open();
    erase(&trail, &order(&trail, OLENA));
    trail.close();
    is_intact(small.dir.path());
    let fault = |change: &dyn Fn(&Path)| {
        let copy = tempfile::tempdir().unwrap();
        image(small.dir.path(), copy.path());
        change(copy.path());
        let verified = verify(copy.path(), &VerifyOptions::default(), |_, _| {}).unwrap();
        let fault = verified.outcome.unwrap_err();
        (fault.kind.as_str(), fault.first.0)
    };
    let ledger = |dir: &Path, sql: &str| {
        let private = Connection::open(dir.join("ledger.db")).unwrap();
        assert!(private.execute(sql, []).unwrap() > 0);
    };
    // What stood there before, put back.
    let put_back = fault(&|dir| {
        for file in ["parquet", "summary"] {
            let from = before.path().join(format!("segments/25-48.0.{file}"));
            fs::copy(from, dir.join(format!("segments/25-48.1.{file}"))).unwrap();
        }
    });
    assert_eq!(put_back, ("after_erasure", 25));
    let another_key = fault(&|dir| ledger(dir, "UPDATE erasures SET key = zeroblob(32)"));
    assert_eq!(another_key, ("after_erasure", 1));
    let another_statement = fault(&|dir| {
        ledger(dir, "UPDATE erasures SET entry = entry + 1");
        // Then it is not done, and what it left is in no statement.
        ledger(dir, "DELETE FROM statements");
    });
    assert_eq!(another_statement.0, "undeclared");
    let gone = fault(&|dir| ledger(dir, "DELETE FROM statements"));
    assert_eq!(gone, ("undeclared", 1));
    let one_more = fault(&|dir| {
        ledger(
            dir,
            "INSERT INTO erased_leaves SELECT entry, 12, zeroblob(32) FROM erasures",
        );
    });
    assert_eq!(one_more, ("after_erasure", 1));
    // Nothing is under way, whatever is said of it.
    let not_done = fault(&|dir| ledger(dir, "UPDATE erasures SET done = 0"));
    assert_eq!(not_done, ("after_erasure", 1));
    // An event that is said to be of an erasure that there is not, whose hash is kept for the one there is.
    let of_none = fault(&|dir| {
        let private = Connection::open(dir.join("ledger.db")).unwrap();
        let sql = "SELECT first_seq, kept FROM blocks WHERE kept IS NOT NULL ORDER BY first_seq";
        let (first, kept): (i64, Vec<u8>) = private
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let (place, now, said) = first_erased(&kept);
        let sql = "INSERT INTO erased_leaves SELECT entry, ?1, ?2 FROM erasures";
        let leaf = kept[now..now + 32].to_vec();
        private.execute(sql, (first + place, leaf)).unwrap();
        let mut kept = kept;
        kept[said] += 1;
        let sql = "UPDATE blocks SET kept = ?2 WHERE first_seq = ?1";
        private.execute(sql, (first, kept)).unwrap();
    });
    assert_eq!(of_none, ("after_erasure", 1));
}

/// The place in its block of the first event that is kept as erased; and where its new hash and the place
/// of the statement stand in the bytes.
fn first_erased(kept: &[u8]) -> (i64, usize, usize) {
    let mut at = 1;
    loop {
        let (place, variant) = (kept[at], kept[at + 1]);
        assert!(place < 128, "a block of few events");
        match variant {
            0 => at += 2 + 16,
            1 => at += 2 + 32,
            _ => return (i64::from(place), at + 2 + 32, at + 2 + 64),
        }
    }
}

#[test]
fn what_was_erased_may_be_erased_from_again_dropped_and_joined() {
    let small = Small::new(24);
    let trail = recorded(&small);
    let first = erase(&trail, &order(&trail, OLENA));
    // On her page tom is erased, too: the same events once more.
    let second = erase(&trail, &order(&trail, "tom"));
    assert_eq!(second.events, 6 * 3);
    let found = is_intact(small.dir.path());
    let report = found.outcome.unwrap();
    assert_eq!(report.erased, first.events + 6);
    assert_eq!(found.statements.len(), 2);
    small.append(&trail, everything(200));
    trail.seal().unwrap();
    is_intact(small.dir.path());
    // A panel that is kept for a shorter time goes from the middle of blocks, erased events among it.
    small.now.fetch_add(20 * DAY, Ordering::Relaxed);
    small.append(&trail, everything(300));
    trail.set_retention(Retention {
        days: 400,
        panels: [(PanelName::own(), 10)].into(),
    });
    trail.upkeep().unwrap();
    let report = is_intact(small.dir.path()).outcome.unwrap();
    assert_eq!(
        (report.hash_only, report.erased),
        (14, first.events + 6 - 12)
    );
    // Then everything that old.
    trail.set_retention(Retention {
        days: 10,
        ..Retention::default()
    });
    trail.upkeep().unwrap();
    trail.publish().unwrap();
    let report = is_intact(small.dir.path()).outcome.unwrap();
    assert_eq!((report.erased, report.whole), (0, 12));
    assert!(report.removed >= 70, "{report:?}");
    trail.close();
    small.open().close();
    is_intact(small.dir.path());
}

#[test]
fn nothing_is_erased_while_a_part_of_the_archive_cannot_be_read() {
    let small = Small::new(24);
    let trail = recorded(&small);
    trail.close();
    let path = small.dir.path().join("segments/25-48.0.parquet");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let trail = small.open();
    let order = order(&trail, OLENA);
    let refused = trail.erase(&order, |_| {});
    assert!(
        matches!(refused, Err(StoreError::DamagedSegment { .. })),
        "{refused:?}"
    );
    fs::write(&path, whole).unwrap();
    trail.upkeep().unwrap();
    assert_eq!(erase(&trail, &order).events, TOUCHED);
    is_intact(small.dir.path());
    trail.close();
}

#[test]
fn events_come_and_are_asked_for_while_somebody_is_erased() {
    let small = Small::new(24);
    let trail = recorded(&small);
    let order = order(&trail, OLENA);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let recording = scope.spawn(|| {
            let mut at = 1_000;
            while !stop.load(Ordering::Relaxed) {
                let batch = vec![Submission::new(by("mia", draft(at)))];
                trail.append_blocking(batch).unwrap();
                let found = trail.count(&view("admin:mia")).unwrap();
                assert_eq!(found.value, at - 1_000 + 7);
                at += 1;
            }
            at - 1_000
        });
        let verifying = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                is_intact(small.dir.path());
            }
        });
        for (count, name) in (1_u64..).zip([OLENA, "tom", "olenas", "auditor@hosting.example"]) {
            let mut order = order.clone();
            order.admin = name.to_owned();
            order.pseudonym = format!("erased-000{count}");
            assert!(erase(&trail, &order).events > 0, "{name}");
        }
        stop.store(true, Ordering::Relaxed);
        verifying.join().unwrap();
        assert!(recording.join().unwrap() > 0);
    });
    trail.publish().unwrap();
    is_intact(small.dir.path());
    trail.close();
}

#[test]
fn a_try_under_the_name_from_the_persons_address_or_browser_shows_neither() {
    let small = Small::new(24);
    let trail = small.open();
    let mut own = by_olena(1);
    (own.request_bytes, own.response_bytes) = (Some(70), Some(4_711));
    let mut elsewhere = attempt(3, OLENA, ip(99));
    elsewhere.user_agent = Some(AGENT.to_owned());
    let mut asked = by("owner@hosting.example", draft(5));
    asked.panel = PanelName::own();
    asked.path = "/settings/erasure/look".to_owned();
    asked.request_bytes = Some(62);
    small.append(
        &trail,
        vec![
            own,
            attempt(2, OLENA, ip(77)),
            elsewhere,
            attempt(4, OLENA, ip(9)),
            asked,
        ],
    );
    erase(&trail, &order(&trail, OLENA));
    let events = events(&trail);
    let from: Vec<_> = events.iter().map(|event| event.draft.ip).collect();
    assert_eq!(from[..4], [None, None, None, Some(ip(9))]);
    let sizes = events.iter().map(|event| event.draft.request_bytes);
    assert!(
        sizes.flatten().next().is_none(),
        "they tell how long a name was"
    );
    is_of_nobody(&events);
    trail.close();
    is_intact(small.dir.path());
}

#[test]
fn a_reason_names_nobody() {
    let said = without(
        "Olena@hosting.example asked, ticket 12",
        OLENA,
        "erased-7f3a",
    );
    assert_eq!(said, "erased-7f3a asked, ticket 12");
}
