//! Requests to erase somebody, and that `control.db` forgets who it was.

use std::path::Path;
use std::sync::Arc;

use admintrail_event::PanelName;
use admintrail_store::control::{
    ANCHOR_PLACES, ErasureId, ErasureState, Forgotten, LinkPurpose, MappedIdentity, NewErasure,
    NewToken, OneTimeLink, SecretHash, StoredBinding, StoredErasure, TokenScope,
};
use admintrail_store::{Control, Identity, StoreError};

use super::{account, at, panel, reopened, session};

/// As typed in different places.
const PERSON: &str = "Tom.Sanders@hosting.example";
const TYPED: &str = "TOM.sanders@hosting.example";
const PSEUDONYM: &str = "erased-7f3a";

fn order(admin: &str, pseudonym: &str, waits: bool) -> NewErasure {
    NewErasure {
        admin: admin.to_owned(),
        pseudonym: pseudonym.to_owned(),
        requested_by: "olena@example.org".to_owned(),
        requested_at: at(1),
        reason: format!("article 17, asked for by {TYPED} himself"),
        blind: [5; 32],
        waits,
    }
}

fn add(control: &Control, new: NewErasure) -> Option<Arc<StoredErasure>> {
    control.add_erasure(new).wait().unwrap()
}

fn bound(admin: &str, acting_as: Option<&str>) -> StoredBinding {
    StoredBinding {
        admin: admin.into(),
        admin_name: Some("Tom Sanders".into()),
        session: [9; 16],
        since: at(0),
        until: None,
        acting_as: acting_as.map(Into::into),
    }
}

fn me(admin: &str) -> Identity {
    Identity {
        panel: None,
        admin: admin.to_owned(),
    }
}

/// The person wherever `control.db` may have one, beside somebody whose id only begins like it.
fn everywhere(control: &Control) {
    let billing = panel("billing");
    let other = format!("{PERSON}.other");
    for (n, binding) in [
        bound(PERSON, None),
        bound(TYPED, Some("client 4711")),
        bound("olena", Some(TYPED)),
        bound(&other, None),
    ]
    .into_iter()
    .enumerate()
    {
        let credential = [u8::try_from(n).unwrap(); 16];
        control
            .bind(billing.clone(), credential, binding)
            .wait()
            .unwrap();
    }
    for (n, admin, basic_user) in [(1, PERSON, None), (2, "ci", Some(TYPED)), (3, "ci", None)] {
        let mapped = MappedIdentity {
            panel: billing.clone(),
            fingerprint: [n; 16],
            basic_user: basic_user.map(str::to_owned),
            admin: admin.to_owned(),
            admin_name: Some("A name".to_owned()),
            since: at(0),
        };
        control.map_identity(mapped).wait().unwrap();
    }
    let id = account(control, TYPED);
    control
        .begin_session(session(7, id, at(0)), None)
        .wait()
        .unwrap();
    let link = OneTimeLink {
        hash: SecretHash([8; 32]),
        purpose: LinkPurpose::Reset,
        account: Some(id),
        expires: at(1_000_000_000_000),
    };
    control.add_link(link).wait().unwrap();
    let colleague = account(control, "olena@example.org");
    let identities = vec![me(PERSON), me("olena")];
    control
        .set_identities(colleague, identities)
        .wait()
        .unwrap();
    control
        .end_panel_session(billing, [4; 16], PERSON.to_owned(), at(0))
        .wait()
        .unwrap();
    let verified = format!(r#"{{"verdict":{{"state":"intact"}},"by":"{TYPED}","events":3}}"#);
    let places = format!(
        r#"[{{"id":"a","way":"email","to":"{TYPED}"}},{{"id":"b","way":"file","path":"/mnt/a"}}]"#
    );
    for (name, value) in [
        ("integrity", verified.as_str()),
        ("plain", PERSON),
        (ANCHOR_PLACES, &places),
    ] {
        control.set_setting(name, Some(value)).wait().unwrap();
    }
    let learned = format!(
        r#"{{"version":1,"basic_names":["{}","ci"],"for_sessions":["/u/{TYPED}/x","/u"]}}"#,
        PERSON.to_lowercase()
    );
    control
        .save_learned(panel("billing"), learned.into_bytes())
        .wait()
        .unwrap();
    let token = NewToken {
        name: PERSON.to_owned(),
        hash: SecretHash([1; 32]),
        scope: TokenScope::Read,
        panels: Vec::new(),
        created: at(0),
    };
    control.add_token(token).wait().unwrap().unwrap();
    // Somebody else was erased on the person's word.
    let mut earlier = order("marek", "erased-0001", false);
    earlier.requested_by = PERSON.to_owned();
    let earlier = add(control, earlier).unwrap();
    control
        .forget_erased(earlier.id, 3, Some(11))
        .wait()
        .unwrap();
    control.end_erasure(earlier.id, at(2)).wait().unwrap();
}

/// What is seen of it all, for comparing memory with disk.
fn seen(control: &Control) -> String {
    let billing: PanelName = panel("billing");
    let bindings: Vec<_> = (0..4)
        .map(|n| control.binding(&billing, &[n; 16], at(9)))
        .collect();
    let known = [PERSON, "olena"].map(|admin| control.knows_admin(&billing, admin));
    let accounts: Vec<_> = control
        .accounts()
        .iter()
        .map(|account| {
            format!(
                "{} {} {:?} {:?} {:?} {:?}",
                account.email,
                account.name,
                account.password_hash,
                account.identities,
                account.preferences,
                control.sessions_of(account.id, at(9)).len()
            )
        })
        .collect();
    let erasures: Vec<_> = control
        .erasures()
        .iter()
        .map(|one| {
            format!(
                "{:?} {} {:?} {} {:?} {:?}",
                one.admin, one.pseudonym, one.state, one.reason, one.requested_by, one.events
            )
        })
        .collect();
    let settings = ["integrity", "plain", ANCHOR_PLACES].map(|name| control.setting(name));
    let learned = control.learned(&billing).unwrap();
    let learned = String::from_utf8(learned).unwrap();
    let tokens: Vec<_> = control
        .tokens()
        .iter()
        .map(|token| token.name.clone())
        .collect();
    format!(
        "{learned}\n{bindings:#?}\n{known:?}\n{:#?}\n{accounts:#?}\n{:?}\n{settings:#?}\n{tokens:?}\n{erasures:#?}\n{:?}",
        control.identities(),
        control.ended(&billing, &[4; 16]),
        control.link(&SecretHash([8; 32]), at(9)).is_some(),
    )
}

/// How often the person, in any case, stands in the files of `control.db`.
fn times_in_files(dir: &Path) -> usize {
    let wanted = PERSON.to_ascii_lowercase();
    let count = |file: &str| {
        let bytes = std::fs::read(dir.join(file)).unwrap_or_default();
        bytes
            .windows(wanted.len())
            .filter(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
            .count()
    };
    ["control.db", "control.db-wal", "control.db-journal"]
        .map(count)
        .iter()
        .sum()
}

#[test]
fn a_request_waits_is_approved_or_withdrawn_and_survives_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let waiting = add(&control, order(PERSON, PSEUDONYM, true)).unwrap();
    assert_eq!(waiting.state, ErasureState::Waiting);
    assert_eq!(
        waiting.reason,
        format!("article 17, asked for by {PSEUDONYM} himself")
    );
    assert!(
        add(&control, order(TYPED, "erased-0002", true)).is_none(),
        "one at a time for one person"
    );
    assert!(
        add(&control, order("marek", PSEUDONYM, true)).is_none(),
        "a pseudonym is one person's"
    );
    let withdrawn = control.withdraw_erasure(waiting.id, at(2)).wait().unwrap();
    let withdrawn = withdrawn.unwrap();
    assert_eq!(withdrawn.admin, None);
    let again = control.approve_erasure(waiting.id, "marek".to_owned(), at(3));
    assert!(again.wait().unwrap().is_none(), "it is taken back");

    let second = add(&control, order(PERSON, "erased-0002", true)).unwrap();
    let approved = control.approve_erasure(second.id, "marek".to_owned(), at(3));
    let approved = approved.wait().unwrap().unwrap();
    assert_eq!(approved.state, ErasureState::Approved);
    let late = control.withdraw_erasure(second.id, at(4)).wait().unwrap();
    assert!(late.is_none(), "it is under way");
    let early = control.end_erasure(second.id, at(4)).wait().unwrap();
    assert!(early.is_none(), "the person is still named");

    let control = reopened(control, dir.path());
    let all = control.erasures();
    assert_eq!(all.len(), 2);
    assert_eq!(*all[0], *approved);
    assert_eq!(*all[1], *withdrawn);
    assert_eq!(control.erasure(ErasureId(99)), None);
    // One that nobody has to approve is approved from the beginning.
    let alone = add(&control, order("marek", "erased-0003", false)).unwrap();
    assert_eq!(alone.state, ErasureState::Approved);
    assert_eq!(
        (alone.approved_by.as_deref(), alone.approved_at),
        (None, Some(at(1)))
    );
    let done = control
        .forget_erased(alone.id, 12, Some(40))
        .wait()
        .unwrap();
    assert_eq!(done.unwrap().admin, None);
    let done = control
        .end_erasure(alone.id, at(5))
        .wait()
        .unwrap()
        .unwrap();
    assert_eq!(done.state, ErasureState::Done);
    assert_eq!(
        (done.events, done.entry, done.done_at),
        (Some(12), Some(40), Some(at(5)))
    );
}

#[test]
fn a_person_is_forgotten_everywhere_and_nobody_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    everywhere(&control);
    let erasure = add(&control, order(PERSON, PSEUDONYM, false)).unwrap();
    assert!(control.names(TYPED));
    let id = control.account_of_email(PERSON).unwrap().id;
    control.set_disabled(id, true).wait().unwrap();

    let forgotten = control.forget_admin(TYPED, PSEUDONYM).wait().unwrap();
    let expected = Forgotten {
        bindings: 2,
        identities: 2,
        account: true,
    };
    assert_eq!(forgotten, expected);
    assert!(!control.names(PERSON));
    control.forget_erased(erasure.id, 1, None).wait().unwrap();
    control.scrub().wait().unwrap();
    control.end_erasure(erasure.id, at(5)).wait().unwrap();

    let in_memory = seen(&control);
    let lower = in_memory.to_lowercase();
    let others = lower.replace(&format!("{}.other", PERSON.to_lowercase()), "");
    assert!(!others.contains("tom.sanders"), "{in_memory}");
    assert!(others.contains("erased-7f3a@erased.invalid"), "{in_memory}");
    let billing = panel("billing");
    let acting = control.binding(&billing, &[2; 16], at(9)).unwrap();
    assert_eq!(acting.acting_as.as_deref(), Some(PSEUDONYM));
    assert_eq!(control.identities().len(), 1);
    let ended = control.ended(&billing, &[4; 16]).unwrap();
    assert_eq!(&*ended.by, PSEUDONYM);
    assert_eq!(control.tokens()[0].name, format!("{PSEUDONYM}-1"));
    let verified = control.setting("integrity").unwrap();
    assert!(verified.contains(r#""by":"erased-7f3a""#), "{verified}");
    assert!(
        in_memory.starts_with(r#"{"basic_names":["ci"],"for_sessions":["/u"],"version":1}"#),
        "{in_memory}"
    );
    let again = control.forget_admin(TYPED, PSEUDONYM).wait().unwrap();
    assert_eq!(again, Forgotten::default());

    // Memory and disk agree, while it is open and after a restart.
    let read = Control::open_read_only(dir.path()).unwrap();
    assert_eq!(seen(&read), in_memory);
    let control = reopened(control, dir.path());
    assert_eq!(seen(&control), in_memory);
}

#[test]
fn an_account_that_is_not_disabled_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let id = account(&control, PERSON);
    let forgotten = control.forget_admin(PERSON, PSEUDONYM).wait().unwrap();
    assert!(!forgotten.account);
    assert_eq!(control.account(id).unwrap().email, PERSON);
}

#[test]
fn afterwards_no_byte_of_the_name_is_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    everywhere(&control);
    let billing = panel("billing");
    // Pages that split and join keep copies between their cells.
    for n in 0..3_000_u32 {
        let mut credential = [0xee; 16];
        credential[..4].copy_from_slice(&n.to_be_bytes());
        let admin = if n % 3 == 0 { PERSON } else { "olena" };
        drop(control.bind(billing.clone(), credential, bound(admin, None)));
    }
    let other = [3; 16];
    control.end_binding(billing.clone(), other).wait().unwrap();
    let id = control.account_of_email(PERSON).unwrap().id;
    control.set_disabled(id, true).wait().unwrap();
    let erasure = add(&control, order(PERSON, PSEUDONYM, false)).unwrap();
    assert!(times_in_files(dir.path()) > 1_000);

    control.forget_admin(PERSON, PSEUDONYM).wait().unwrap();
    control
        .forget_erased(erasure.id, 9, Some(3))
        .wait()
        .unwrap();
    // The one whose id begins alike is known in the files by that beginning.
    assert!(control.knows_admin(&billing, &format!("{PERSON}.other")));
    control.scrub().wait().unwrap();
    assert_eq!(times_in_files(dir.path()), 1, "the other one alone");
    control.close();
    assert_eq!(times_in_files(dir.path()), 1, "the other one alone");
}

#[test]
fn a_reader_in_the_way_is_told_of_and_a_later_try_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    everywhere(&control);
    let reader = rusqlite::Connection::open(dir.path().join("control.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader
        .query_row("SELECT count(*) FROM bindings", [], |row| {
            row.get::<_, i64>(0)
        })
        .unwrap();
    control.set_setting("a", Some("1")).wait().unwrap();
    let error = control.scrub().wait().unwrap_err();
    let StoreError::CannotRecord { cause } = &error else {
        panic!("{error}");
    };
    assert!(cause.contains("another program reads"), "{cause}");
    // Changes go on meanwhile.
    control.set_setting("a", Some("2")).wait().unwrap();
    reader.execute_batch("COMMIT").unwrap();
    control.scrub().wait().unwrap();
    assert_eq!(control.setting("a").as_deref(), Some("2"));
    let log = std::fs::metadata(dir.path().join("control.db-wal")).unwrap();
    assert_eq!(log.len(), 0);
}
