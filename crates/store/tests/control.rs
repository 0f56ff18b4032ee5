//! `control.db` as its users notice it: what was answered stays, what ended is gone.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what goes wrong here fails a test"
)]

#[path = "control/erasures.rs"]
mod erasures;

use std::path::Path;
use std::sync::Arc;

use admintrail_event::{Micros, PanelName};
use admintrail_store::control::{
    AccountId, LinkPurpose, MappedIdentity, NewAccount, NewSession, NewToken, OneTimeLink,
    Preferences, Role, SecretHash, StoredBinding, TokenScope, WebSession,
};
use admintrail_store::{Control, Identity, StoreError};

const HOUR: i64 = 3_600 * Micros::SECOND;

fn at(micros: i64) -> Micros {
    Micros(1_800_000_000_000_000 + micros)
}

fn panel(name: &str) -> PanelName {
    name.parse().unwrap()
}

fn new_account(email: &str) -> NewAccount {
    NewAccount {
        email: email.to_owned(),
        name: "Olena".to_owned(),
        password_hash: Some("phc".to_owned()),
        role: Role::Owner,
        identities: vec![
            Identity {
                panel: None,
                admin: "olena".to_owned(),
            },
            Identity {
                panel: Some(panel("billing")),
                admin: "root".to_owned(),
            },
        ],
        created: at(0),
    }
}

fn account(control: &Control, email: &str) -> AccountId {
    control
        .add_account(new_account(email))
        .wait()
        .unwrap()
        .unwrap()
        .id
}

fn session(hash: u8, account: AccountId, created: Micros) -> NewSession {
    NewSession {
        hash: SecretHash([hash; 32]),
        account,
        created,
        ip: Some("192.0.2.1".to_owned()),
        agent: None,
    }
}

fn binding(admin: &str, until: Option<Micros>) -> StoredBinding {
    StoredBinding {
        admin: admin.into(),
        admin_name: Some("Name".into()),
        session: [9; 16],
        since: at(0),
        until,
        acting_as: None,
    }
}

/// Opens the folder anew, as after a restart.
fn reopened(control: Control, dir: &Path) -> Control {
    drop(control);
    Control::open(dir).unwrap()
}

#[test]
fn accounts_survive_a_restart_with_everything_that_was_set() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let id = account(&control, "Olena@Example.org");
    let preferences = Preferences {
        hide_me: true,
        page_size: 250,
        refresh: None,
        time_zone: Some("Europe/Kyiv".to_owned()),
        ..Preferences::default()
    };
    assert!(control.set_preferences(id, &preferences).wait().unwrap());
    assert!(control.set_role(id, Role::Auditor).wait().unwrap());
    assert!(control.set_name(id, "O. K.".to_owned()).wait().unwrap());
    let me = vec![Identity {
        panel: Some(panel("shop")),
        admin: "ok".to_owned(),
    }];
    assert!(control.set_identities(id, me.clone()).wait().unwrap());

    let control = reopened(control, dir.path());
    let found = control.account_of_email(" olena@EXAMPLE.org ").unwrap();
    assert_eq!(found.id, id);
    assert_eq!(found.email, "Olena@Example.org");
    assert_eq!((found.name.as_str(), found.role), ("O. K.", Role::Auditor));
    assert_eq!(found.preferences, preferences);
    assert_eq!(found.identities, me);
    assert_eq!(found.password_hash.as_deref(), Some("phc"));
}

#[test]
fn an_e_mail_in_another_case_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    account(&control, "olena@example.org");
    let second = control
        .add_account(new_account("OLENA@example.org"))
        .wait()
        .unwrap();
    assert!(second.is_none());
    assert_eq!(control.accounts().len(), 1);
}

#[test]
fn sessions_end_when_idle_when_old_and_when_ended() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let id = account(&control, "olena@example.org");
    let (idle, used, ended) = (
        SecretHash([1; 32]),
        SecretHash([2; 32]),
        SecretHash([3; 32]),
    );
    for n in 1..=3 {
        assert!(
            control
                .begin_session(session(n, id, at(0)), None)
                .wait()
                .unwrap()
        );
    }
    assert!(control.end_session(ended).wait().unwrap());
    assert!(control.session(&ended, at(1)).is_none());

    // Ten hours apart: never idle for twelve.
    let mut hours = 0;
    while hours < 160 {
        hours += 10;
        assert!(
            control.session(&used, at(hours * HOUR)).is_some(),
            "after {hours} h"
        );
        // Looking without using keeps nothing alive.
        let peeked = control.peek_session(&idle, at(hours * HOUR)).is_some();
        assert_eq!(peeked, hours < 12, "after {hours} h");
    }
    assert!(
        control.session(&used, at(WebSession::ABSOLUTE)).is_none(),
        "seven days are the most"
    );
    assert_eq!(control.sessions_of(id, at(165 * HOUR)).len(), 1);
}

#[test]
fn a_new_session_ends_the_one_it_replaces() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let id = account(&control, "olena@example.org");
    control
        .begin_session(session(1, id, at(0)), None)
        .wait()
        .unwrap();
    control
        .begin_session(session(2, id, at(5)), Some(SecretHash([1; 32])))
        .wait()
        .unwrap();
    let control = reopened(control, dir.path());
    assert!(control.session(&SecretHash([1; 32]), at(6)).is_none());
    assert!(control.session(&SecretHash([2; 32]), at(6)).is_some());
    assert_eq!(control.account(id).unwrap().last_sign_in, Some(at(5)));
}

#[test]
fn disabling_an_account_or_changing_its_password_ends_its_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let id = account(&control, "olena@example.org");
    let other = account(&control, "taras@example.org");
    for (n, whose) in [(1, id), (2, id), (3, other)] {
        control
            .begin_session(session(n, whose, at(0)), None)
            .wait()
            .unwrap();
    }
    control
        .set_password(id, "new".to_owned(), Some(SecretHash([2; 32])))
        .wait()
        .unwrap();
    assert_eq!(control.sessions_of(id, at(1)).len(), 1, "the kept one");
    control.set_disabled(id, true).wait().unwrap();
    assert_eq!(control.sessions_of(id, at(1)).len(), 0);
    assert!(
        !control
            .begin_session(session(4, id, at(1)), None)
            .wait()
            .unwrap(),
        "kept out"
    );
    assert_eq!(
        control.sessions_of(other, at(1)).len(),
        1,
        "nobody else is touched"
    );
}

#[test]
fn a_link_works_once_for_its_purpose_and_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let id = account(&control, "olena@example.org");
    let hash = SecretHash([1; 32]);
    let link = OneTimeLink {
        hash,
        purpose: LinkPurpose::Reset,
        account: Some(id),
        expires: at(10),
    };
    control.add_link(link).wait().unwrap();
    let use_it = |control: &Control, purposes, now| {
        control
            .use_link(hash, purposes, now)
            .wait()
            .unwrap()
            .is_some()
    };
    assert!(
        !use_it(&control, &[LinkPurpose::SignIn], at(1)),
        "another purpose"
    );
    assert!(!use_it(&control, &[LinkPurpose::Reset], at(10)), "too late");
    let control = reopened(control, dir.path());
    assert!(control.link(&hash, at(1)).is_some());
    assert!(use_it(&control, &[LinkPurpose::Reset], at(1)));
    assert!(
        !use_it(&control, &[LinkPurpose::Reset], at(1)),
        "used before"
    );
    assert!(control.link(&hash, at(1)).is_none());
}

#[test]
fn of_many_who_follow_a_setup_link_at_once_one_becomes_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    for n in 0..2 {
        let link = OneTimeLink {
            hash: SecretHash([n; 32]),
            purpose: LinkPurpose::Setup,
            account: None,
            expires: at(10),
        };
        control.add_link(link).wait().unwrap();
    }
    let tries: Vec<_> = (0..8_u8)
        .map(|n| {
            let owner = new_account(&format!("owner{n}@example.org"));
            control.set_up(SecretHash([n % 2; 32]), owner, at(1))
        })
        .collect();
    let made = tries
        .into_iter()
        .filter_map(|durable| durable.wait().unwrap())
        .count();
    assert_eq!((made, control.accounts().len()), (1, 1));
}

#[test]
fn a_revoked_token_is_refused_at_once_and_its_name_is_free_again() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let new = |hash: u8, panels: &[&str]| NewToken {
        name: "backup".to_owned(),
        hash: SecretHash([hash; 32]),
        scope: TokenScope::Ingest,
        panels: panels.iter().map(|name| panel(name)).collect(),
        created: at(0),
    };
    let token = control
        .add_token(new(1, &["billing", "shop"]))
        .wait()
        .unwrap()
        .unwrap();
    assert!(
        control.add_token(new(2, &[])).wait().unwrap().is_none(),
        "the name is taken"
    );
    assert!(control.token(&SecretHash([1; 32]), at(5)).is_some());
    assert!(control.revoke_token(token.id, at(6)).wait().unwrap());
    assert!(control.token(&SecretHash([1; 32]), at(6)).is_none());
    assert!(
        !control.revoke_token(token.id, at(7)).wait().unwrap(),
        "revoked before"
    );
    assert!(control.add_token(new(3, &[])).wait().unwrap().is_some());

    let control = reopened(control, dir.path());
    assert!(control.token(&SecretHash([1; 32]), at(8)).is_none());
    let all = control.tokens();
    assert_eq!(all.len(), 2);
    let old = all.iter().find(|found| found.id == token.id).unwrap();
    assert_eq!(
        (old.revoked, old.panels.len(), old.last_used),
        (Some(at(6)), 2, Some(at(5)))
    );
}

#[test]
fn bindings_are_found_until_they_end_and_their_admins_stay_known() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let billing = panel("billing");
    control
        .bind(billing.clone(), [1; 16], binding("Olena", None))
        .wait()
        .unwrap();
    control
        .bind(billing.clone(), [2; 16], binding("Taras", Some(at(10))))
        .wait()
        .unwrap();
    let control = reopened(control, dir.path());
    assert_eq!(
        control.binding(&billing, &[1; 16], at(1)),
        Some(binding("Olena", None))
    );
    assert!(
        control.binding(&panel("shop"), &[1; 16], at(1)).is_none(),
        "another panel"
    );
    assert!(control.binding(&billing, &[2; 16], at(9)).is_some());
    assert!(
        control.binding(&billing, &[2; 16], at(10)).is_none(),
        "its cookie expired"
    );
    assert!(
        control
            .end_binding(billing.clone(), [1; 16])
            .wait()
            .unwrap()
    );
    assert!(control.binding(&billing, &[1; 16], at(1)).is_none());
    assert_eq!(
        control.prune(at(10)).wait().unwrap(),
        1,
        "the expired one goes"
    );
    let control = reopened(control, dir.path());
    assert!(control.knows_admin(&billing, "olena"));
    assert!(!control.knows_admin(&panel("shop"), "olena"));
    assert!(!control.knows_admin(&billing, "mallory"));
}

#[test]
fn a_binding_in_use_outlives_ninety_days_and_an_unused_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let billing = panel("billing");
    for n in 1..=2 {
        control
            .bind(billing.clone(), [n; 16], binding("olena", None))
            .wait()
            .unwrap();
    }
    for day in 1..=100 {
        assert!(
            control
                .binding(&billing, &[1; 16], at(day * 24 * HOUR))
                .is_some()
        );
        control.prune(at(day * 24 * HOUR)).wait().unwrap();
    }
    let control = reopened(control, dir.path());
    let now = at(100 * 24 * HOUR);
    assert!(control.binding(&billing, &[1; 16], now).is_some());
    assert!(control.binding(&billing, &[2; 16], now).is_none());
}

fn mapped(fingerprint: u8, admin: &str) -> MappedIdentity {
    MappedIdentity {
        panel: panel("billing"),
        fingerprint: [fingerprint; 16],
        basic_user: (fingerprint > 100).then(|| "ci".to_owned()),
        admin: admin.to_owned(),
        admin_name: Some("CI".to_owned()),
        since: at(1),
    }
}

#[test]
fn a_mapped_identity_names_its_admin_on_its_panel_until_it_is_unmapped() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let map = |new| control.map_identity(new).wait().unwrap();
    assert_eq!(map(mapped(1, "ci-bot")), None);
    assert_eq!(map(mapped(101, "backup")), None);
    assert_eq!(map(mapped(1, "deployer")), Some(mapped(1, "ci-bot")));
    let of = |control: &Control, name: &str| control.identity(&panel(name), &[1; 16]);
    assert_eq!(of(&control, "billing"), Some(mapped(1, "deployer")));
    assert_eq!(of(&control, "shop"), None);
    let control = reopened(control, dir.path());
    assert_eq!(of(&control, "billing"), Some(mapped(1, "deployer")));
    let all = vec![mapped(101, "backup"), mapped(1, "deployer")];
    assert_eq!(control.identities(), all);
    let unmap = |name| control.unmap_identity(panel(name), [1; 16]).wait().unwrap();
    assert_eq!(unmap("shop"), None);
    assert_eq!(unmap("billing"), Some(mapped(1, "deployer")));
    assert_eq!(of(&control, "billing"), None);
    let control = reopened(control, dir.path());
    assert_eq!(control.identities(), vec![mapped(101, "backup")]);
}

#[test]
fn settings_are_set_and_unset() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    control.set_setting("a", Some("1")).wait().unwrap();
    control.set_setting("b", Some("2")).wait().unwrap();
    control.set_setting("a", None).wait().unwrap();
    let control = reopened(control, dir.path());
    assert_eq!(control.setting("a"), None);
    assert_eq!(control.setting("b").as_deref(), Some("2"));
}

#[tokio::test]
async fn many_changes_at_once_are_all_durable_when_answered() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let changes: Vec<_> = (0..1_000_u16)
        .map(|n| {
            let mut credential = [0; 16];
            credential[..2].copy_from_slice(&n.to_be_bytes());
            control.bind(panel("billing"), credential, binding("olena", None))
        })
        .collect();
    for change in changes {
        change.await.unwrap();
    }
    let control = reopened(control, dir.path());
    let mut last = [0; 16];
    last[..2].copy_from_slice(&999_u16.to_be_bytes());
    assert!(control.binding(&panel("billing"), &last, at(1)).is_some());
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_a_reader_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    account(&control, "olena@example.org");
    assert!(matches!(
        Control::open(dir.path()),
        Err(StoreError::FolderLocked { .. })
    ));
    let reader = Control::open_read_only(dir.path()).unwrap();
    assert_eq!(reader.accounts().len(), 1);
    assert!(matches!(
        reader.set_setting("a", None).wait(),
        Err(StoreError::Closed)
    ));
    control.close();
    assert!(matches!(
        control.set_setting("a", None).wait(),
        Err(StoreError::Closed)
    ));
    Control::open(dir.path()).unwrap();
}

#[test]
fn a_damaged_file_is_reported_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.db");
    let control = Control::open(dir.path()).unwrap();
    for n in 0..50 {
        account(&control, &format!("olena{n}@example.org"));
    }
    drop(control);
    let whole = std::fs::read(&path).unwrap();
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[100..middle].fill(0x5a);
    for damaged in [
        &b"not a database at all, but long enough to look at".repeat(40),
        &torn,
    ] {
        std::fs::write(&path, damaged).unwrap();
        let error = Control::open(dir.path()).err().unwrap();
        assert_eq!(error.code(), "STORE-003", "{error}");
        assert!(
            error.to_string().contains("backup"),
            "says what to do: {error}"
        );
        assert_eq!(&std::fs::read(&path).unwrap(), damaged);
    }
    std::fs::write(&path, whole).unwrap();
    assert_eq!(Control::open(dir.path()).unwrap().accounts().len(), 50);
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(Control::open(dir.path()).unwrap());
    let raw = rusqlite::Connection::open(dir.path().join("control.db")).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    drop(raw);
    let error = Control::open(dir.path()).err().unwrap();
    assert_eq!(error.code(), "STORE-008", "{error}");
}

#[test]
fn a_database_that_another_program_holds_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    drop(Control::open(dir.path()).unwrap());
    let raw = rusqlite::Connection::open(dir.path().join("control.db")).unwrap();
    raw.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (y);")
        .unwrap();
    let error = Control::open(dir.path()).err().unwrap();
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn a_change_that_cannot_be_written_changes_nothing_and_later_ones_work() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    control.set_setting("a", Some("1")).wait().unwrap();
    let raw = rusqlite::Connection::open(dir.path().join("control.db")).unwrap();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = control.set_setting("a", Some("2")).wait().unwrap_err();
    assert_eq!(error.code(), "STORE-004", "{error}");
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(control.setting("a").as_deref(), Some("1"));
    raw.execute_batch("ROLLBACK").unwrap();
    control.set_setting("a", Some("3")).wait().unwrap();
    let control = reopened(control, dir.path());
    assert_eq!(control.setting("a").as_deref(), Some("3"));
}

#[test]
fn one_refused_change_does_not_take_the_others_of_its_group_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let link = |n: u8| OneTimeLink {
        hash: SecretHash([n; 32]),
        purpose: LinkPurpose::Setup,
        account: None,
        expires: at(10),
    };
    // The same link twice breaks a rule of the database.
    let changes: Vec<_> = [1, 2, 2, 3]
        .map(|n| control.add_link(link(n)))
        .into_iter()
        .collect();
    let made: Vec<bool> = changes
        .into_iter()
        .map(|change| change.wait().is_ok())
        .collect();
    assert_eq!(made, [true, true, false, true]);
    let control = reopened(control, dir.path());
    for n in 1..=3 {
        assert!(control.link(&SecretHash([n; 32]), at(1)).is_some(), "{n}");
    }
}

#[test]
fn only_the_owner_of_the_folder_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    account(&control, "olena@example.org");
    for name in ["control.db", "control.db-wal", "control.lock"] {
        let mode = std::fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn answers_are_seen_by_every_clone() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let control = control.clone();
            std::thread::spawn(move || {
                for m in 0..20 {
                    let name = format!("{n}-{m}");
                    control.set_setting(&name, Some("x")).wait().unwrap();
                    assert_eq!(control.setting(&name), Some(Arc::from("x")));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn an_ended_session_and_all_that_belonged_to_it_stay_ended_until_no_browser_has_its_cookie() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    let billing = panel("billing");
    let bind = |credential: u8, session: u8| {
        let binding = StoredBinding {
            session: [session; 16],
            acting_as: Some("client/4711".into()),
            ..binding("olena", None)
        };
        let bound = control.bind(billing.clone(), [credential; 16], binding);
        bound.wait().unwrap();
    };
    bind(1, 1);
    bind(2, 1);
    bind(3, 3);
    let mut endings = control.endings();
    assert!(control.ended(&billing, &[1; 16]).is_none());
    let end = |at: i64| {
        let by = format!("owner{at}@example.com");
        let time = Micros(at * Micros::SECOND);
        control
            .end_panel_session(billing.clone(), [1; 16], by, time)
            .wait()
            .unwrap()
    };
    assert!(end(10));
    assert!(!end(20), "ended once");
    assert!(endings.has_changed().unwrap());
    endings.mark_unchanged();
    let ended = control.ended(&billing, &[1; 16]).unwrap();
    assert_eq!(&*ended.by, "owner10@example.com");
    assert!(
        control.ended(&billing, &[2; 16]).is_some(),
        "the rotated cookie too"
    );
    assert!(
        control.ended(&billing, &[3; 16]).is_none(),
        "no other session"
    );
    assert!(
        control.ended(&panel("shop"), &[1; 16]).is_none(),
        "on this panel only"
    );
    // A cookie that was set anew while the session was being ended.
    bind(4, 1);
    assert!(control.ended(&billing, &[4; 16]).is_some());

    let control = reopened(control, dir.path());
    for credential in [1, 2, 4] {
        assert!(control.ended(&billing, &[credential; 16]).is_some());
    }
    assert_eq!(
        control
            .binding(&billing, &[2; 16], at(1))
            .unwrap()
            .acting_as,
        Some("client/4711".into())
    );
    let day = 86_400 * Micros::SECOND;
    let _ = control.prune(Micros(399 * day)).wait().unwrap();
    assert!(control.ended(&billing, &[1; 16]).is_some());
    let _ = control.prune(Micros(401 * day)).wait().unwrap();
    assert!(control.ended(&billing, &[1; 16]).is_none());
    let control = reopened(control, dir.path());
    assert!(control.ended(&billing, &[1; 16]).is_none());
}

#[test]
fn what_was_learned_of_a_panel_survives() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::open(dir.path()).unwrap();
    assert_eq!(control.learned(&panel("billing")), None);
    for body in [vec![1, 2, 3], vec![4]] {
        let saved = control.save_learned(panel("billing"), body.clone());
        saved.wait().unwrap();
        assert_eq!(control.learned(&panel("billing")), Some(body));
    }
    let control = reopened(control, dir.path());
    assert_eq!(control.learned(&panel("billing")), Some(vec![4]));
    assert_eq!(control.learned(&panel("shop")), None);
}
