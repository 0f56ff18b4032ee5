use admintrail_event::LogId;
use admintrail_store::{StoreError, Trail};
use rusqlite::Connection;

use crate::support::{Fixture, draft, options, view};

#[test]
fn a_second_server_is_refused_and_told_who_holds_the_folder() {
    let fixture = Fixture::new();
    let error = Trail::open(options(fixture.dir.path(), &fixture.now))
        .err()
        .unwrap();
    assert_eq!(error.code(), "STORE-001");
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    fixture.trail.close();
    Trail::open(options(fixture.dir.path(), &fixture.now)).unwrap();
}

#[test]
fn the_log_keeps_its_id_and_its_events() {
    let mut fixture = Fixture::new();
    fixture.append((0..10_000).map(draft));
    let before = fixture.trail.state();
    assert_ne!(before.log, LogId::default());
    fixture.reopen();
    let after = fixture.trail.state();
    assert_eq!(
        (after.log, after.events, after.last_seq),
        (before.log, 10_000, before.last_seq)
    );
    assert_eq!(
        (after.first_received, after.last_received),
        (before.first_received, before.last_received)
    );
    assert_eq!(
        fixture.trail.count(&view("path:/client/77")).unwrap().value,
        111
    );
}

#[test]
fn a_reader_beside_a_server_sees_what_was_acknowledged() {
    let fixture = Fixture::new();
    fixture.append((0..9_000).map(draft));
    let reader = Trail::open_read_only(options(fixture.dir.path(), &fixture.now)).unwrap();
    assert_eq!(reader.count(&view("")).unwrap().value, 9_000);
    let refused = reader.append_blocking(vec![admintrail_store::Submission::new(draft(1))]);
    assert!(matches!(refused, Err(StoreError::Closed)));
}

#[test]
fn a_reader_of_an_empty_folder_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let error = Trail::open_read_only(options(dir.path(), &Default::default()))
        .err()
        .unwrap();
    assert_eq!(error.code(), "STORE-007");
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "a reader writes nothing"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let error = Trail::open(options(&file.join("data"), &Default::default()))
        .err()
        .unwrap();
    assert_eq!(error.code(), "STORE-002");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[test]
fn a_database_that_is_none_is_called_damaged_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trail.db");
    std::fs::write(&path, vec![b'x'; 9_000]).unwrap();
    let error = Trail::open(options(dir.path(), &Default::default()))
        .err()
        .unwrap();
    assert_eq!(error.code(), "STORE-003");
    assert!(error.to_string().contains("trail.db"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), vec![b'x'; 9_000]);
}

#[test]
fn a_damaged_event_is_named_not_skipped() {
    let fixture = Fixture::new();
    fixture.append((0..10).map(draft));
    fixture.trail.close();
    let database = Connection::open(fixture.dir.path().join("trail.db")).unwrap();
    database
        .execute("UPDATE events SET body = x'0102' WHERE seq = 4", [])
        .unwrap();
    drop(database);
    let error = Trail::open(options(fixture.dir.path(), &fixture.now))
        .err()
        .unwrap();
    assert_eq!(error.code(), "STORE-003");
    assert!(error.to_string().contains("event 4"), "{error}");
}

#[test]
fn a_database_of_a_newer_version_is_not_touched() {
    let fixture = Fixture::new();
    fixture.trail.close();
    let database = Connection::open(fixture.dir.path().join("trail.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    let error = Trail::open(options(fixture.dir.path(), &fixture.now))
        .err()
        .unwrap();
    assert_eq!(error.code(), "STORE-008");
}

#[test]
fn codes_are_unique() {
    let mut codes = StoreError::CODES.to_vec();
    codes.dedup();
    assert_eq!(codes.len(), StoreError::CODES.len());
}
