//! Proof packs: what the writer makes, and what is found in packs that were tampered with.

mod files;
mod sample;
mod tampered;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use admintrail_event::{CanonicalFields, FirstSet, LogId, Micros, Seq};
use admintrail_ledger::{
    Checkpoint, ErasedProof, EventProof, LedgerError, PackWriter, TreeHead, VerifierKey,
    verify_erased, verify_event,
};
use serde_json::Value;

use files::{Files, row_of, unzipped, zipped};
use sample::{LEFT_OUT, Proof, SEED, Sample, add, sample};
use tampered::{Foreign, cases};

fn good() -> (Sample, Files) {
    let sample = sample(&SEED).unwrap();
    let files = unzipped(&sample.pack().unwrap());
    (sample, files)
}

fn text<'a>(files: &'a Files, name: &str) -> &'a str {
    std::str::from_utf8(&files[name]).unwrap()
}

/// The files that are the same for ever, of the sample: `cargo run --example proof_pack`, unzipped.
#[test]
fn the_format_is_the_one_that_is_kept_in_the_repository() {
    let (_, files) = good();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pack");
    for name in [
        "events.ndjson",
        "events.csv",
        "pack.json",
        "checkpoint",
        "key.txt",
    ] {
        let golden = std::fs::read(kept.join(name)).unwrap();
        assert!(golden == files[name], "{name} is another one");
    }
}

#[test]
fn a_pack_has_all_that_it_needs() {
    let (sample, files) = good();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "README.txt",
        "checkpoint",
        "events.csv",
        "events.ndjson",
        "key.txt",
        "pack.json",
        "verify.html",
        "verify.py",
    ];
    assert_eq!(names, expected);
    assert_eq!(text(&files, "checkpoint"), sample.checkpoint);
    let readme = text(&files, "README.txt");
    for fact in [
        "36 events",
        "panel:billing -method:HEAD",
        "ledger.example.org/billing",
        "olena@example.org",
        &sample.key.public().to_string(),
        "backup-host, 2026-11-18T11:07:40.000000Z: the first 2 entries, root\n",
        "backup-host, 2026-11-18T11:07:40.000000Z: the first 9 entries, root\n",
        "compare these with the copies there",
        "Erased      5 of the events",
    ] {
        assert!(readme.contains(fact), "{fact}");
    }
    assert!(!readme.contains('{'), "{readme}");
    assert!(readme.lines().all(|line| line.len() < 100), "{readme}");
}

/// What `verify_event` is asked for, out of the row alone.
fn verified(row: &Value, head: TreeHead) -> Result<Seq, LedgerError> {
    let event = &row["event"];
    let maybe = |name: &str| event[name].as_str();
    let must = |name: &str| maybe(name).unwrap();
    let number = |name: &str| maybe(name).map(|text| text.parse::<u64>().unwrap());
    let short = |name: &str| number(name).map(|n| u32::try_from(n).unwrap());
    let first = must("first").split(',').filter(|word| !word.is_empty());
    let first = first.map(|word| FirstSet::of_name(word).unwrap());
    let fields = CanonicalFields {
        id: must("id").parse().unwrap(),
        log: must("log").parse().unwrap(),
        seq: Seq(number("seq").unwrap()),
        kind: must("kind").parse().unwrap(),
        count: number("count"),
        time: Micros(must("time").parse().unwrap()),
        received: Micros(must("received").parse().unwrap()),
        panel: must("panel"),
        recorder: must("recorder"),
        recorder_epoch: number("recorder_epoch").unwrap(),
        recorder_seq: number("recorder_seq").unwrap(),
        admin: maybe("admin"),
        admin_name: maybe("admin_name"),
        known_by: must("known_by").parse().unwrap(),
        attempted: maybe("attempted"),
        acting_as: maybe("acting_as"),
        ip: maybe("ip").map(|ip| ip.parse().unwrap()),
        user_agent: maybe("user_agent"),
        session: maybe("session").map(|session| session.parse().unwrap()),
        request_type: must("type").parse().unwrap(),
        method: must("method"),
        scheme: maybe("scheme"),
        host: maybe("host"),
        path: must("path"),
        query: maybe("query"),
        route: maybe("route"),
        action: must("action"),
        object: maybe("object"),
        status: number("status").map(|n| u16::try_from(n).unwrap()),
        outcome: must("outcome").parse().unwrap(),
        ending: must("ending").parse().unwrap(),
        duration_us: number("duration_us"),
        request_bytes: number("request_bytes"),
        response_bytes: number("response_bytes"),
        asset: must("asset") == "1",
        polling: must("polling") == "1",
        first: first.fold(FirstSet::default(), FirstSet::with),
        path_bytes: short("path_bytes"),
        query_bytes: short("query_bytes"),
        agent_bytes: short("agent_bytes"),
    };
    if row["erased"].is_object() {
        let proof: ErasedProof = serde_json::from_value(row["erased"].clone()).unwrap();
        return verify_erased(&fields, &proof, head).map(|()| fields.seq);
    }
    let proof: EventProof = serde_json::from_value(row["proof"].clone()).unwrap();
    verify_event(&fields, &proof, head).map(|()| fields.seq)
}

#[test]
fn every_row_of_a_pack_is_proven_by_what_is_in_the_pack() {
    let (sample, files) = good();
    let key: VerifierKey = text(&files, "key.txt").trim_end().parse().unwrap();
    let checkpoint = Checkpoint::open(&files["checkpoint"], &[key]).unwrap();
    let facts: Value = serde_json::from_str(text(&files, "pack.json")).unwrap();
    let seqs: Vec<u64> = text(&files, "events.ndjson")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|row: Value| verified(&row, checkpoint.head).unwrap().0)
        .collect();
    let expected: Vec<u64> = sample.found().map(|(event, _)| event.seq.0).collect();
    assert_eq!(seqs, expected);
    assert_eq!(facts["rows"], seqs.len());
    assert_eq!(facts["erased"], 5);
    assert_eq!(facts["seqs"].to_string(), "[[1,2],[4,19],[22,39]]");
    assert_eq!(facts["size"], checkpoint.head.size);
    assert_eq!(facts["root"], checkpoint.head.root.to_string());
}

#[test]
fn nothing_goes_into_a_pack_that_does_not_belong_there() {
    let sample = sample(&SEED).unwrap();
    let begin = || sample.begin(Cursor::new(Vec::new())).unwrap();
    let code = |result: Result<(), LedgerError>| result.map_err(|error| error.code());
    let (first, first_proof) = &sample.events[0];
    let (second, second_proof) = &sample.events[1];

    let mut pack = begin();
    assert_eq!(code(add(&mut pack, second, second_proof)), Ok(()));
    let twice = add(&mut pack, second, second_proof);
    assert_eq!(code(twice), Err("LEDGER-025"));
    assert_eq!(code(add(&mut pack, first, first_proof)), Err("LEDGER-025"));
    assert_eq!(pack.rows(), 1);

    let mut pack = begin();
    assert_eq!(code(add(&mut pack, first, second_proof)), Err("LEDGER-023"));
    let mut changed = first.clone();
    changed.draft.path.push('x');
    let refused = add(&mut pack, &changed, first_proof);
    assert_eq!(code(refused), Err("LEDGER-023"));
    // What was refused left nothing behind.
    assert_eq!(code(add(&mut pack, first, first_proof)), Ok(()));
    let mut other = second.clone();
    other.log = LogId([1; 16]);
    let refused = add(&mut pack, &other, second_proof);
    assert_eq!(code(refused), Err("LEDGER-025"));
    assert_eq!(pack.rows(), 1);
    assert_eq!(
        unzipped(&pack.finish().unwrap().into_inner())["events.ndjson"],
        row_of(&sample, 1).into_bytes()
    );
}

#[test]
fn a_row_that_an_erasure_left_goes_in_as_just_that() {
    let sample = sample(&SEED).unwrap();
    let mut pack = sample.begin(Cursor::new(Vec::new())).unwrap();
    let (erased, proof) = &sample.events[17];
    let mut changed = erased.clone();
    changed.draft.admin = Some("tom@example.org".into());
    let refused = add(&mut pack, &changed, proof).unwrap_err();
    assert_eq!(refused.code(), "LEDGER-023");
    // The erasure of an event that was recorded later is none.
    let early = Proof::Erased(sample.early.clone());
    let (event, _) = &sample.events[23];
    let refused = add(&mut pack, event, &early).unwrap_err();
    assert!(
        refused.to_string().contains("stands before it"),
        "{refused}"
    );
    add(&mut pack, erased, proof).unwrap();
    let files = unzipped(&pack.finish().unwrap().into_inner());
    let row = text(&files, "events.ndjson");
    assert!(row.contains("\"admin\":\"erased-7f30\""), "{row}");
    assert!(
        row.contains("},\"erased\":{\"version\":1,\"seq\":18,"),
        "{row}"
    );
    let facts: Value = serde_json::from_str(text(&files, "pack.json")).unwrap();
    assert_eq!((&facts["rows"], &facts["erased"]), (&1.into(), &1.into()));
}

#[test]
fn no_pack_is_begun_with_a_key_of_somebody_else_and_takes_an_anchor_of_one() {
    let (one, other) = (sample(&SEED).unwrap(), sample(&[10; 32]).unwrap());
    let refused = |info| {
        let pack = PackWriter::new(Cursor::new(Vec::new()), info);
        pack.err().map(|error| error.code())
    };
    let mut info = one.info();
    info.key = other.key.public();
    assert_eq!(refused(info), Some("LEDGER-015"));
    let mut info = one.info();
    info.checkpoint = "x";
    assert_eq!(refused(info), Some("LEDGER-013"));
    let mut pack = PackWriter::new(Cursor::new(Vec::new()), one.info()).unwrap();
    let mut anchor = one.anchors[0].clone();
    anchor.head.size = 3;
    assert_eq!(pack.anchor(anchor).unwrap_err().code(), "LEDGER-005");
    let mut anchor = one.anchors[0].clone();
    anchor.head.root = one.anchors[1].head.root;
    assert_eq!(pack.anchor(anchor).unwrap_err().code(), "LEDGER-005");
}

#[test]
fn a_place_that_is_full_is_told() {
    let sample = sample(&SEED).unwrap();
    let mut room = [0; 600];
    let mut pack = sample.begin(Cursor::new(&mut room[..])).unwrap();
    let mut added = sample
        .found()
        .map(|(event, proof)| add(&mut pack, event, proof));
    let told = added.find_map(Result::err);
    let told = told.or_else(|| pack.finish().err()).unwrap();
    assert_eq!(told.code(), "LEDGER-026");
}

#[test]
fn a_pack_without_rows_is_a_good_one() {
    let sample = sample(&SEED).unwrap();
    let pack = PackWriter::new(Cursor::new(Vec::new()), sample.info()).unwrap();
    let files = unzipped(&pack.finish().unwrap().into_inner());
    let Some(python) = Python::find() else {
        return;
    };
    let (code, said) = python.verify(&files, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("GOOD: 0 rows are in the ledger"), "{said}");
}

/// The script of a pack, run by a real Python.
struct Python {
    folder: tempfile::TempDir,
}

impl Python {
    /// `None` where there is no Python, which a complete test run does not accept.
    fn find() -> Option<Self> {
        let version = Command::new("python3").arg("--version").output();
        if version.is_ok_and(|out| out.status.success()) {
            let folder = tempfile::tempdir().unwrap();
            return Some(Self { folder });
        }
        let complete = ["CI", "ADMINTRAIL_TEST_ALL"].map(std::env::var_os);
        assert!(complete.iter().all(Option::is_none), "no python3");
        eprintln!("SKIPPED: no python3");
        None
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Checks these files by the script of a good pack, as a zip.
    fn verify(&self, files: &Files, options: &[&str]) -> (i32, String) {
        let pack = self.path("pack.zip");
        std::fs::write(&pack, zipped(files)).unwrap();
        let pack = pack.to_string_lossy().into_owned();
        self.run(&[&[pack.as_str()], options].concat())
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pack/verify.py");
        let mut python = Command::new("python3");
        python.arg("-B").arg(script).args(arguments);
        let out = python.current_dir(self.folder.path()).output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        (out.status.code().unwrap(), String::from_utf8(said).unwrap())
    }
}

#[test]
fn python_finds_a_good_pack_good() {
    let Some(python) = Python::find() else {
        return;
    };
    let (sample, files) = good();
    let key = sample.key.public().to_string();
    let (code, said) = python.verify(&files, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with(
            "GOOD: 36 rows (events 1 to 39) are in the ledger, 31 as they were recorded, 5 as an \
             erasure left them\n"
        ),
        "{said}"
    );
    for told in [
        "  events 15, 18 to 19: erased on 2026-11-18 11:07:35 UTC by olena@example.org (approved by \
         jonas@example.org), now erased-7f30: the row is what the erasure left; what stood there \
         before is kept by its hash alone\n",
        "  events 34, 37: erased on 2026-11-18 11:07:35 UTC by olena@example.org, now erased-7f31: ",
        "compare these with the copies there:\n",
        "backup-host, 2026-11-18T11:07:40.000000Z: the first 2 entries; not all rows are among them; root ",
        "backup-host, 2026-11-18T11:07:40.000000Z: the first 9 entries; root ",
    ] {
        assert!(said.contains(told), "{told} in {said}");
    }
    assert!(
        said.contains("compare the key with one from somewhere else"),
        "{said}"
    );
    std::fs::write(python.path("kept"), &sample.kept).unwrap();
    let (code, said) = python.verify(&files, &["--key", &key, "--checkpoint", "kept"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("the key you gave") && said.contains("begins with the checkpoint you gave")
    );
    assert!(!said.contains("compare the"), "{said}");
    // A mistake in typing says nothing of the pack.
    for mistyped in ["hi", &key.replacen('+', "x+", 1)] {
        let (code, said) = python.verify(&files, &["--key", mistyped]);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("the key you gave"), "{said}");
    }

    // As a folder, by the script that lies in it, without the table.
    let folder = python.path("folder");
    std::fs::create_dir(&folder).unwrap();
    for (name, bytes) in &files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    std::fs::remove_file(folder.join("events.csv")).unwrap();
    let script = folder.join("verify.py");
    let out = Command::new("python3")
        .arg("-B")
        .arg(script)
        .output()
        .unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(said.contains("events.csv is not here"), "{said}");
}

#[test]
fn python_finds_every_way_to_tamper_and_names_the_row() {
    let Some(python) = Python::find() else {
        return;
    };
    let (sample, files) = good();
    let other = sample::sample(&[10; 32]).unwrap().key.public().to_string();
    let foreign = Foreign {
        key: &other,
        unlisted: &row_of(&sample, LEFT_OUT[0]),
        early: &sample.early,
    };
    let all = cases(&files, &foreign);
    assert!(all.len() > 90, "{}", all.len());
    for case in all {
        let (code, said) = python.verify(&case.files, &[]);
        assert_eq!(code, 1, "{}: {said}", case.name);
        let begins = |line: &str| line.trim_start().starts_with(&case.finds);
        assert!(
            said.lines().any(begins),
            "{}: {} in {said}",
            case.name,
            case.finds
        );
    }
}

#[test]
fn python_holds_a_pack_against_what_somebody_kept() {
    let Some(python) = Python::find() else {
        return;
    };
    let (one, files) = good();
    let other = sample(&[10; 32]).unwrap();
    let forged = unzipped(&other.pack().unwrap());
    let key = one.key.public().to_string();
    std::fs::write(python.path("kept"), &one.kept).unwrap();
    // A whole pack by somebody else is good in itself.
    assert_eq!(python.verify(&forged, &[]).0, 0);
    let (code, said) = python.verify(&forged, &["--key", &key]);
    assert!(
        code == 1 && said.contains("key.txt: it is not the key you gave"),
        "{said}"
    );
    let (code, said) = python.verify(&forged, &["--checkpoint", "kept"]);
    assert!(
        code == 1 && said.contains("the checkpoint you gave: it is not signed"),
        "{said}"
    );

    // Another history, signed by the same key.
    let head = TreeHead {
        size: 2,
        root: one.anchors[1].head.root,
    };
    let note = |head| {
        Checkpoint::new(one.key.name(), head)
            .sign(&one.key)
            .unwrap()
    };
    std::fs::write(python.path("kept"), note(head)).unwrap();
    let (code, said) = python.verify(&files, &["--checkpoint", "kept"]);
    assert!(
        code == 1 && said.contains("is not the checkpoint you gave"),
        "{said}"
    );
    // One to which there is no way.
    std::fs::write(python.path("kept"), note(TreeHead { size: 4, ..head })).unwrap();
    let (code, said) = python.verify(&files, &["--checkpoint", "kept"]);
    assert!(
        code == 3 && said.contains("no way from the checkpoint you gave"),
        "{said}"
    );
    std::fs::write(python.path("kept"), "hello").unwrap();
    let (code, said) = python.verify(&files, &["--checkpoint", "kept"]);
    assert_eq!(code, 3, "{said}");
}

#[test]
fn python_says_when_it_was_called_wrongly_or_cannot_check() {
    let Some(python) = Python::find() else {
        return;
    };
    let (_, files) = good();
    assert_eq!(python.run(&["--kee", "x"]).0, 2);
    assert_eq!(python.run(&["a", "b"]).0, 2);
    assert_eq!(python.run(&["nowhere.zip"]).0, 3);
    assert_eq!(python.run(&["--help"]).0, 0);
    for name in ["events.ndjson", "checkpoint", "key.txt", "pack.json"] {
        let mut files = files.clone();
        files.remove(name);
        let (code, said) = python.verify(&files, &[]);
        assert!(
            code == 3 && said.contains(&format!("{name} is missing")),
            "{said}"
        );
    }
    let mut newer = files.clone();
    let text = text(&files, "pack.json").replace("\"version\": 1", "\"version\": 2");
    newer.insert("pack.json".into(), text.into_bytes());
    let (code, said) = python.verify(&newer, &[]);
    assert!(
        code == 3 && said.contains("use a newer verify.py"),
        "{said}"
    );
    // A damaged zip is no proof of anything.
    let mut pack = zipped(&files);
    let name = b"events.ndjson";
    let rows = pack.windows(name.len()).position(|bytes| bytes == name);
    pack[rows.unwrap() + 200] ^= 0xff;
    std::fs::write(python.path("damaged.zip"), pack).unwrap();
    let (code, said) = python.run(&["damaged.zip"]);
    assert!(code == 3 || code == 1, "{code} {said}");
    assert!(!said.contains("Traceback"), "{said}");
}
