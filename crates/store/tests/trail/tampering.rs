//! Random tampering with a folder, each in a copy of its own: all of it is found, and where it is.
//!
//! `ADMINTRAIL_TAMPERINGS` says how many; the bar of 1,000 is a benchmark (`cargo xtask bench ledger`).

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use admintrail_event::Seq;
use admintrail_ledger::{Checkpoint, SigningKey, TreeHead};
use admintrail_store::{VerifyOptions, verify};
use rusqlite::Connection;

use crate::sealing::{Small, drafts, image};

/// Events of a block, blocks, and how many of those are sealed.
const BLOCK: u64 = 60;
const BLOCKS: u64 = 30;
const SEALED: u64 = 20;
const LAST: u64 = BLOCK * BLOCKS;

/// A folder, and itself one block earlier.
fn recorded() -> (Small, tempfile::TempDir) {
    let small = Small::new(600);
    let trail = small.open();
    let before = tempfile::tempdir().unwrap();
    for at in 0..BLOCKS {
        if at == BLOCKS - 1 {
            image(small.dir.path(), before.path());
        }
        small.append(&trail, drafts(at * BLOCK..at * BLOCK + BLOCK));
        trail.publish().unwrap();
        if at + 1 == SEALED {
            trail.seal().unwrap();
        }
    }
    trail.close();
    (small, before)
}

/// Numbers without a source of chance, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides.max(1)
    }

    fn hot(&mut self) -> u64 {
        SEALED * BLOCK + 1 + self.roll(LAST - SEALED * BLOCK)
    }
}

/// What was done, and where it has to be found.
struct Done {
    what: String,
    first: RangeInclusive<u64>,
    options: VerifyOptions,
}

fn done(what: String, first: RangeInclusive<u64>) -> Done {
    Done {
        what,
        first,
        options: VerifyOptions::default(),
    }
}

fn edit_row(dir: &Path, dice: &mut Dice) -> Done {
    let seq = dice.hot();
    let database = Connection::open(dir.join("trail.db")).unwrap();
    let edit = match dice.roll(6) {
        0 => "time = time + 1".to_owned(),
        1 => "received = received + 1".to_owned(),
        2 => "polling = 1 - polling".to_owned(),
        3 => "first = (first + 1) % 16".to_owned(),
        4 => format!(
            "id = CAST(substr(id, 1, 15) || X'{:02x}' AS BLOB)",
            seq % 7 + 200
        ),
        _ => {
            // A letter of the path.
            let body: Vec<u8> = database
                .query_row(
                    "SELECT body FROM events WHERE seq = ?1",
                    [seq as i64],
                    |row| row.get(0),
                )
                .unwrap();
            let at = body.windows(7).position(|at| at == b"/client").unwrap() + 1;
            format!(
                "body = CAST(substr(body, 1, {at}) || X'78' || substr(body, {}) AS BLOB)",
                at + 2
            )
        }
    };
    let changed = database.execute(&format!("UPDATE events SET {edit} WHERE seq = {seq}"), []);
    assert_eq!(changed.unwrap(), 1);
    done(format!("{edit} of {seq}"), seq..=seq)
}

fn flip_in_segment(dir: &Path, dice: &mut Dice) -> Done {
    let mut files: Vec<PathBuf> = fs::read_dir(dir.join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect();
    files.sort();
    let file = &files[dice.roll(files.len() as u64) as usize];
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let (first, rest) = name.split_once('-').unwrap();
    let last = rest.split_once('.').unwrap().0;
    let at = flip(file, dice);
    // A flipped byte makes all rows unreadable that are packed together with it.
    done(
        format!("byte {at} of {name}"),
        first.parse().unwrap()..=last.parse().unwrap(),
    )
}

fn flip(file: &Path, dice: &mut Dice) -> u64 {
    let mut bytes = fs::read(file).unwrap();
    let at = dice.roll(bytes.len() as u64);
    bytes[at as usize] ^= 1 << dice.roll(8);
    fs::write(file, bytes).unwrap();
    at
}

fn remove_row(dir: &Path, dice: &mut Dice) -> Done {
    let seq = dice.hot();
    let database = Connection::open(dir.join("trail.db")).unwrap();
    let gone = database.execute("DELETE FROM events WHERE seq = ?1", [seq as i64]);
    assert_eq!(gone.unwrap(), 1);
    done(format!("{seq} removed"), seq..=seq)
}

fn swap_rows(dir: &Path, dice: &mut Dice) -> Done {
    let (one, mut other) = (dice.hot(), dice.hot());
    if one == other {
        other = if one == LAST { one - 1 } else { one + 1 };
    }
    let database = Connection::open(dir.join("trail.db")).unwrap();
    database
        .execute_batch(&format!(
            "BEGIN;
             UPDATE events SET seq = -1 WHERE seq = {one};
             UPDATE events SET seq = {one} WHERE seq = {other};
             UPDATE events SET seq = {other} WHERE seq = -1;
             COMMIT"
        ))
        .unwrap();
    let first = one.min(other);
    done(format!("{one} and {other} swapped"), first..=first)
}

fn edit_tile(dir: &Path, dice: &mut Dice) -> Done {
    let mut files = Vec::new();
    let mut folders = vec![dir.join("ledger/tile")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let file = &files[dice.roll(files.len() as u64) as usize];
    let at = flip(file, dice);
    // Each tile speaks of events from the first on.
    done(
        format!("byte {at} of {}", file.strip_prefix(dir).unwrap().display()),
        1..=LAST + 1,
    )
}

fn replace_checkpoint(dir: &Path, dice: &mut Dice) -> Done {
    let path = dir.join("ledger/checkpoint");
    match dice.roll(3) {
        0 => {
            let at = flip(&path, dice);
            done(format!("byte {at} of the checkpoint"), 1..=1)
        }
        1 => {
            // By somebody else's key of the same name.
            let text = fs::read_to_string(&path).unwrap();
            let origin = text.lines().next().unwrap();
            let key = SigningKey::new(origin, &[7; 32]).unwrap();
            let signed = format!("{}\n", text.split("\n\n").next().unwrap());
            let checkpoint = Checkpoint::parse(&signed).unwrap();
            fs::write(&path, checkpoint.sign(&key).unwrap()).unwrap();
            done("a checkpoint by another key".to_owned(), 1..=1)
        }
        _ => {
            // Of another tree, signed with the stolen key: the entries do not make its root.
            let seed = fs::read_to_string(dir.join("ledger.key")).unwrap();
            let digits = seed.trim_end().rsplit(' ').next().unwrap();
            let mut bytes = [0; 32];
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
            }
            let text = fs::read_to_string(&path).unwrap();
            let origin = text.lines().next().unwrap();
            let key = SigningKey::new(origin, &bytes).unwrap();
            let head = TreeHead {
                size: BLOCKS,
                root: admintrail_ledger::Hash([dice.roll(256) as u8; 32]),
            };
            fs::write(&path, Checkpoint::new(origin, head).sign(&key).unwrap()).unwrap();
            done("a checkpoint of another tree".to_owned(), 1..=LAST + 1)
        }
    }
}

fn cut_tail(dir: &Path, before: &Path) -> Done {
    let kept = fs::read(dir.join("ledger/checkpoint")).unwrap();
    fs::remove_dir_all(dir).unwrap();
    image(before, dir);
    let next = (BLOCKS - 1) * BLOCK + 1;
    let mut cut = done("the tail cut".to_owned(), next..=next);
    cut.options.anchors = vec![("elsewhere".to_owned(), kept)];
    cut
}

#[test]
fn random_tampering_is_found_and_named() {
    let wanted = std::env::var("ADMINTRAIL_TAMPERINGS").ok();
    let wanted: u64 = wanted.and_then(|n| n.parse().ok()).unwrap_or(70);
    let (small, before) = recorded();
    let untouched = verify(small.dir.path(), &VerifyOptions::default(), |_, _| {}).unwrap();
    assert_eq!(untouched.outcome.unwrap().whole, LAST);
    let (mut found, mut named) = (0, 0);
    for number in 0..wanted {
        let mut dice = Dice(number);
        let copy = tempfile::tempdir().unwrap();
        let dir = copy.path().join("data");
        image(small.dir.path(), &dir);
        let done = match number % 7 {
            0 => edit_row(&dir, &mut dice),
            1 => flip_in_segment(&dir, &mut dice),
            2 => remove_row(&dir, &mut dice),
            3 => swap_rows(&dir, &mut dice),
            4 => edit_tile(&dir, &mut dice),
            5 => replace_checkpoint(&dir, &mut dice),
            _ => cut_tail(&dir, before.path()),
        };
        let verified = verify(&dir, &done.options, |_, _| {}).unwrap();
        match verified.outcome {
            Ok(report) => panic!("{number}: {}: not found: {report:?}", done.what),
            Err(fault) => {
                found += 1;
                let Seq(first) = fault.first;
                assert!(
                    done.first.contains(&first),
                    "{number}: {}: {fault:?}, not in {:?}",
                    done.what,
                    done.first
                );
                named += 1;
            }
        }
    }
    println!("{found} of {wanted} tamperings found, {named} named right");
}
