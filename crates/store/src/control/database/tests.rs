//! Files that earlier and later versions made, and what a crash leaves of a migration.

use std::fs;

use admintrail_event::Micros;
use tempfile::TempDir;

use super::*;
use crate::Control;
use crate::control::{AccountId, NewErasure};

/// One row in every table of the first version.
const ROWS: &str = "
    INSERT INTO accounts VALUES
        (7, 'Olena@example.org', 'olena@example.org', 'Olena', 'phc', 'owner', 0, 11, 12, '{}');
    INSERT INTO identities VALUES (7, 0, 'billing', 'root'), (7, 1, NULL, 'olena');
    INSERT INTO sessions VALUES
        (zeroblob(32), 7, 11, 12, 9000000000000000, '192.0.2.1', 'Firefox');
    INSERT INTO links VALUES (zeroblob(32), 'reset', 7, 9000000000000000);
    INSERT INTO tokens VALUES (3, 'ci', zeroblob(32), 'ingest', 'billing shop', 11, 12, NULL);
    INSERT INTO bindings VALUES
        ('billing', zeroblob(16), 'olena', 'Olena', zeroblob(16), 11, NULL, 12);
    INSERT INTO known_admins VALUES ('billing', 'olena'), ('billing', 'taras');
    INSERT INTO settings VALUES ('a', '1');";

/// A step as it is run, without its end.
fn step(number: usize) -> String {
    let sql = MIGRATIONS[number - 1];
    format!(
        "BEGIN IMMEDIATE;\n{sql}\nPRAGMA application_id = {APPLICATION_ID};\n\
         PRAGMA user_version = {number};\n"
    )
}

fn raw(dir: &Path) -> Connection {
    let raw = Connection::open(dir.join(FILE)).unwrap();
    prepare(&raw).unwrap();
    raw
}

/// A file of this version with rows in it.
fn made_by(version: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let raw = raw(dir.path());
    for number in 1..=version {
        raw.execute_batch(&(step(number) + "COMMIT")).unwrap();
        if number == 1 {
            raw.execute_batch(ROWS).unwrap();
        }
    }
    dir
}

fn version_of(dir: &Path) -> usize {
    let raw = Connection::open(dir.join(FILE)).unwrap();
    let version: i64 = raw
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    usize::try_from(version).unwrap()
}

fn tables_of(dir: &Path) -> Vec<String> {
    let raw = Connection::open(dir.join(FILE)).unwrap();
    let sql = "SELECT name || ': ' || ifnull(sql, '') FROM sqlite_master ORDER BY name";
    rows(&raw, sql, |row| row.get(0)).unwrap()
}

#[track_caller]
fn has_every_row(control: &Control) {
    let accounts = control.accounts();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].email, "Olena@example.org");
    assert_eq!(accounts[0].identities.len(), 2);
    assert_eq!(accounts[0].last_sign_in, Some(Micros(12)));
    assert_eq!(control.setting("a").as_deref(), Some("1"));
    let billing: PanelName = "billing".parse().unwrap();
    let binding = control.binding(&billing, &[0; 16], Micros(13)).unwrap();
    assert_eq!(&*binding.admin, "olena");
    assert_eq!(binding.acting_as, None);
    assert!(control.knows_admin(&billing, "taras"));
    let tokens = control.tokens();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].panels.len(), 2);
    let sessions = control.sessions_of(AccountId(7), Micros(13));
    assert_eq!(sessions.len(), 1);
}

#[test]
fn a_file_of_every_version_becomes_the_newest_and_keeps_its_rows() {
    let fresh = tempfile::tempdir().unwrap();
    Control::open(fresh.path()).unwrap().close();
    assert_eq!(version_of(fresh.path()), MIGRATIONS.len());
    for version in 1..=MIGRATIONS.len() {
        let dir = made_by(version);
        let control = Control::open(dir.path()).unwrap();
        has_every_row(&control);
        // What came with later versions works on it.
        let panel: PanelName = "billing".parse().unwrap();
        control.save_learned(panel.clone(), vec![1]).wait().unwrap();
        let ended =
            control.end_panel_session(panel.clone(), [9; 16], "olena".to_owned(), Micros(1));
        ended.wait().unwrap();
        let added = control.add_erasure(NewErasure {
            admin: "taras".to_owned(),
            pseudonym: "erased-7f3a".to_owned(),
            requested_by: "olena@example.org".to_owned(),
            requested_at: Micros(13),
            reason: "asked for it".to_owned(),
            blind: [1; 32],
            waits: true,
        });
        let added = added.wait().unwrap().unwrap();
        control.close();
        drop(control);
        assert_eq!(version_of(dir.path()), MIGRATIONS.len());
        assert_eq!(tables_of(dir.path()), tables_of(fresh.path()), "{version}");
        let control = Control::open(dir.path()).unwrap();
        has_every_row(&control);
        assert_eq!(control.learned(&panel), Some(vec![1]));
        assert!(control.ended(&panel, &[9; 16]).is_some());
        assert_eq!(control.erasures(), [added]);
    }
}

#[test]
fn a_reader_reads_a_file_of_every_version_and_leaves_it_as_it_is() {
    for version in 1..=MIGRATIONS.len() {
        let dir = made_by(version);
        let tables = tables_of(dir.path());
        has_every_row(&Control::open_read_only(dir.path()).unwrap());
        assert_eq!(version_of(dir.path()), version);
        assert_eq!(tables_of(dir.path()), tables);
    }
}

#[test]
fn a_file_of_a_later_version_is_refused_and_left_as_it_is() {
    let newer = MIGRATIONS.len() + 1;
    let dir = made_by(MIGRATIONS.len());
    let connection = raw(dir.path());
    connection
        .pragma_update(None, "user_version", i64::try_from(newer).unwrap())
        .unwrap();
    drop(connection);
    let before = fs::read(dir.path().join(FILE)).unwrap();
    let errors = [
        Control::open(dir.path()).map(drop).unwrap_err(),
        Control::open_read_only(dir.path()).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code(), "STORE-008");
        let text = error.to_string();
        for word in [
            "control.db",
            &newer.to_string(),
            &MIGRATIONS.len().to_string(),
        ] {
            assert!(text.contains(word), "{text}");
        }
    }
    assert_eq!(fs::read(dir.path().join(FILE)).unwrap(), before);
}

/// The files as a power cut or `kill -9` leaves them now.
fn image_of(dir: &Path) -> TempDir {
    let image = tempfile::tempdir().unwrap();
    for name in ["control.db", "control.db-wal"] {
        if dir.join(name).exists() {
            fs::copy(dir.join(name), image.path().join(name)).unwrap();
        }
    }
    image
}

#[test]
fn a_crash_in_or_between_steps_leaves_a_file_that_opens() {
    for version in 1..MIGRATIONS.len() {
        let dir = made_by(version);
        let connection = raw(dir.path());
        // What is written in a transaction reaches the file's log before its end.
        connection.pragma_update(None, "cache_size", 1).unwrap();
        for number in version + 1..=MIGRATIONS.len() {
            connection.execute_batch(&step(number)).unwrap();
            let within = image_of(dir.path());
            connection.execute_batch("COMMIT").unwrap();
            let after = image_of(dir.path());
            for (image, reached) in [(within, number - 1), (after, number)] {
                assert_eq!(version_of(image.path()), reached);
                has_every_row(&Control::open_read_only(image.path()).unwrap());
                has_every_row(&Control::open(image.path()).unwrap());
                assert_eq!(version_of(image.path()), MIGRATIONS.len());
            }
        }
    }
}

#[test]
fn a_step_that_fails_halfway_changes_nothing_and_can_be_run_again() {
    let dir = made_by(1);
    // The second step's first statement succeeds, and then there is this.
    let connection = raw(dir.path());
    connection
        .execute_batch("CREATE TABLE ended_sessions (x)")
        .unwrap();
    drop(connection);
    let tables = tables_of(dir.path());
    let error = Control::open(dir.path()).map(drop).unwrap_err();
    assert!(error.to_string().contains("ended_sessions"), "{error}");
    assert_eq!(version_of(dir.path()), 1);
    assert_eq!(tables_of(dir.path()), tables);
    has_every_row(&Control::open_read_only(dir.path()).unwrap());
    raw(dir.path())
        .execute_batch("DROP TABLE ended_sessions")
        .unwrap();
    has_every_row(&Control::open(dir.path()).unwrap());
    assert_eq!(version_of(dir.path()), MIGRATIONS.len());
}
