//! Taking over events from files, through a running server and without one.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::stage::{Options, Said, Server, admintrail, until};

/// What a program that knows little says of a request.
fn line(number: usize) -> String {
    let time =
        jiff::Timestamp::from_second(1_795_000_000 + i64::try_from(number).unwrap()).unwrap();
    json!({"time": time.to_string(), "method": "GET", "path": format!("/items/{number}")})
        .to_string()
}

fn lines(count: usize) -> String {
    (0..count).map(|number| line(number) + "\n").collect()
}

/// Imports the bytes as a file: without a server into a folder of its own, then through a server.
fn both_ways(bytes: &[u8], look: impl Fn(&str, &Path, Said)) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("events.ndjson");
    std::fs::write(&file, bytes).unwrap();
    let file = file.display().to_string();
    let import = ["import", file.as_str(), "--panel", "billing"];
    let data = dir.path().join("data");
    look(
        "without a server",
        &data,
        admintrail(&import).data(&data).run(),
    );
    let server = Server::start(&Options::default());
    look(
        "through a server",
        server.dir(),
        server.command(&import).run(),
    );
}

/// The paths on record, oldest first.
fn paths(dir: &Path) -> Vec<String> {
    let out = admintrail(&["export", "-panel:admintrail", "--format", "ndjson"])
        .data(dir)
        .run()
        .ok();
    let event = |line| serde_json::from_str::<Value>(line).unwrap();
    out.lines()
        .map(|line| event(line)["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn files_are_taken_as_editors_and_other_systems_write_them() {
    let bytes = format!(
        "\u{feff}{}\r\n\r\n{}\n \t\n{}",
        line(1),
        line(2).replace("\",\"", "\" , \""),
        line(3)
    );
    both_ways(bytes.as_bytes(), |way, dir, said| {
        assert!(
            said.code == 0 && said.err.contains("3 imported"),
            "{way} {said:?}"
        );
        assert_eq!(paths(dir), ["/items/1", "/items/2", "/items/3"], "{way}");
    });
}

#[test]
fn each_line_that_cannot_be_taken_is_named_by_its_number_in_the_order_of_the_file() {
    let long = format!("{{\"path\":\"{}\"}}", "x".repeat(1024 * 1024));
    let longer = format!("{{\"path\":\"{}\"}}", "x".repeat(3 * 1024 * 1024));
    let big = format!("{{\"path\":\"{}\"}}", "x".repeat(300 * 1024));
    let mut bytes = Vec::new();
    for number in 1..=9_000_usize {
        match number {
            // Far apart, so that they are read by different hands.
            7 => bytes.extend_from_slice(b"{\"path\":\"\xff\"}"),
            2_500 => bytes.extend_from_slice(long.as_bytes()),
            4_100 => bytes.extend_from_slice(b"{\"time\":\"yesterday\"}"),
            6_000 => bytes.extend_from_slice(big.as_bytes()),
            8_999 => bytes.extend_from_slice(longer.as_bytes()),
            9_000 => bytes.extend_from_slice(b"\xc3("),
            number => bytes.extend_from_slice(line(number).as_bytes()),
        }
        bytes.push(b'\n');
    }
    both_ways(&bytes, |way, dir, said| {
        assert_eq!(said.code, 1, "{way} {said:?}");
        let told: Vec<&str> = said
            .err
            .lines()
            .filter(|line| !line.ends_with("is new"))
            .collect();
        for (line, part) in told.iter().zip([
            ":7: is not UTF-8",
            "  and line 9000",
            ":2500: is longer than 1048576 bytes",
            "  and line 8999",
            ":4100: time: \"yesterday\" is not an RFC 3339 time",
            ":6000: event: has 307211 bytes; 262144 are allowed",
            "8994 imported, 6 not taken; correct them and import the file again",
        ]) {
            assert!(line.contains(part), "{way}: {part}\n{}", said.err);
        }
        let expected = (1..=9_000)
            .filter(|number| ![7, 2_500, 4_100, 6_000, 8_999, 9_000].contains(number))
            .map(|number| format!("/items/{number}"));
        assert!(paths(dir).into_iter().eq(expected), "{way}");
    });
}

#[test]
fn equal_lines_are_events_of_their_own_and_the_same_ones_the_next_time() {
    // More than one block, and each line again in another one.
    let bytes = lines(3_000).repeat(2);
    both_ways(bytes.as_bytes(), |way, dir, said| {
        assert!(said.err.contains("6000 imported"), "{way} {said:?}");
        let again = admintrail(&["import", "-", "--panel", "billing"])
            .data(dir)
            .run_with(&bytes);
        let known = "0 imported, 6000 were there already";
        assert!(
            again.code == 0 && again.err.contains(known),
            "{way} {again:?}"
        );
        // The panel is a part of what a line says.
        let other = admintrail(&["import", "-", "--panel", "shop"])
            .data(dir)
            .run_with(&lines(1));
        assert!(other.err.contains("1 imported"), "{way} {other:?}");
    });
}

#[test]
fn a_line_names_its_panel_or_has_the_one_of_the_command() {
    let named = |panel: &str| line(1).replacen('{', &format!("{{\"panel\":{panel},"), 1);
    let bytes = [named("\"shop\""), named("null"), line(2)].join("\n");
    both_ways(bytes.as_bytes(), |way, dir, said| {
        assert!(said.err.contains("3 imported"), "{way} {said:?}");
        let out = admintrail(&["query", "panel:billing", "--json"])
            .data(dir)
            .run()
            .ok();
        assert_eq!(out.lines().count(), 2, "{way} {out}");
        let nameless = admintrail(&["import", "-"]).data(dir).run_with(&bytes);
        let remedy =
            "-:2: panel: is missing; say --panel NAME for lines that name none\n  and line 3";
        assert!(nameless.err.contains(remedy), "{way} {nameless:?}");
        assert!(
            nameless.err.contains("0 imported, 1 was there already"),
            "{way} {nameless:?}"
        );
    });
}

#[test]
fn one_id_for_two_events_is_told_with_both_lines_far_apart() {
    let with_id = |path: &str| {
        line(1)
            .replacen('{', "{\"id\":\"01987b5c-2d7e-7cc3-98c4-dc0c0c07398f\",", 1)
            .replace("/items/1", path)
    };
    let bytes = [with_id("/a"), lines(5_000), with_id("/b"), with_id("/a")].join("\n");
    both_ways(bytes.as_bytes(), |way, _, said| {
        assert_eq!(said.code, 1, "{way}");
        for part in [
            ":5003: id: belongs to another event (seq ",
            "5001 imported, 1 was there already, 1 not taken",
        ] {
            assert!(said.err.contains(part), "{way} {part}\n{}", said.err);
        }
    });
}

#[test]
fn that_somebody_imported_is_on_record_with_how_many() {
    both_ways(lines(4_321).as_bytes(), |way, dir, _| {
        let out = admintrail(&["query", "path:/cli/import", "--json"])
            .data(dir)
            .run()
            .ok();
        let notes = out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let counts = notes.map(|note| -> u64 {
            assert!(
                note["admin"].as_str().unwrap().starts_with("shell:"),
                "{way} {note}"
            );
            let words: Vec<&str> = note["action"].as_str().unwrap().split(' ').collect();
            assert_eq!((words[0], words[2]), ("Imported", "events"), "{way} {note}");
            words[1].parse().unwrap()
        });
        assert_eq!(counts.sum::<u64>(), 4_321, "{way} {out}");
        let again = admintrail(&["import", "-", "--panel", "billing"])
            .data(dir)
            .run_with(&lines(9));
        assert_eq!(again.code, 0);
        let notes = admintrail(&["query", "path:/cli/import", "--json"])
            .data(dir)
            .run()
            .ok();
        assert_eq!(
            notes.lines().count(),
            out.lines().count(),
            "{way}: nothing was new"
        );
    });
}

/// An import of a pipe into which lines were written and more may come.
fn waiting(dir: &Path, lines: &str) -> Child {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_admintrail"));
    command
        .args(["import", "-", "--panel", "billing", "--data"])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    child
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

/// What it said at last; its input stays open.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the import does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    (status.code(), said)
}

/// How many events of the panel a server knows.
fn known(server: &Server) -> usize {
    let said = server
        .command(&["query", "panel:billing", "--limit", "100000", "--json"])
        .run();
    said.ok().lines().count()
}

#[tokio::test]
async fn an_import_that_is_interrupted_says_how_far_it_came() {
    // More than a pipe and a block hold, so that the rest waits to be read.
    let many = lines(40_000);
    let server = Server::start(&Options::default());
    let child = waiting(server.dir(), &many);
    let taken = until("blocks are in", || async {
        Some(known(&server)).filter(|in_it| *in_it > 2_000)
    });
    taken.await;
    signal(child.id(), Signal::INT);
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    let is_in = known(&server);
    for part in [
        format!("{is_in} imported"),
        format!("stopped at line {}", is_in + 1),
        "import the file again for the rest, what is in stays in once: interrupted".to_owned(),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
    let noted = server
        .command(&["query", "path:/cli/import", "--json"])
        .run()
        .ok();
    assert!(noted.contains("Imported"), "{noted}");
    let rest = server
        .command(&["import", "-", "--panel", "billing"])
        .run_with(&many);
    let expected = format!("{} imported, {is_in} were there already", 40_000 - is_in);
    assert!(rest.code == 0 && rest.err.contains(&expected), "{rest:?}");
}

#[test]
fn an_import_without_a_server_that_is_interrupted_says_how_far_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let many = lines(40_000);
    let child = waiting(&data, &many);
    let deadline = Instant::now() + Duration::from_secs(20);
    // The folder is locked meanwhile; its database grows.
    let grown =
        || std::fs::metadata(data.join("trail.db-wal")).is_ok_and(|meta| meta.len() > 1 << 20);
    while !grown() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(child.id(), Signal::TERM);
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    let is_in = paths(&data).len();
    assert!(
        is_in > 0 && said.contains(&format!("{is_in} imported")),
        "{is_in} {said}"
    );
    assert!(
        said.contains(&format!("stopped at line {}", is_in + 1)),
        "{said}"
    );
}

#[tokio::test]
async fn a_server_that_is_stopped_ends_an_import_with_what_it_has() {
    let mut server = Server::start(&Options::default());
    let child = waiting(server.dir(), &lines(40_000));
    until("blocks are in", || async {
        (known(&server) > 2_000).then_some(())
    })
    .await;
    assert_eq!(server.stop(), 0);
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    let is_in = paths(server.dir()).len();
    for part in [
        format!("{is_in} imported"),
        format!("stopped at line {}", is_in + 1),
        "the server stop".to_owned(),
    ] {
        assert!(said.contains(&part), "{part}: {said}");
    }
    let noted = server
        .command(&["query", "path:/cli/import", "--json"])
        .run()
        .ok();
    let counts = noted.lines().map(|line| -> usize {
        let note: Value = serde_json::from_str(line).unwrap();
        note["action"]
            .as_str()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap()
    });
    assert_eq!(counts.sum::<usize>(), is_in, "all of it is noted: {noted}");
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_an_import_that_says_what_is_in() {
    let mut server = Server::start(&Options::default());
    let child = waiting(server.dir(), &lines(40_000));
    until("blocks are in", || async {
        (known(&server) > 2_000).then_some(())
    })
    .await;
    server.kill();
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("the server stopped before it answered"),
        "{said}"
    );
    let told = said
        .lines()
        .find_map(|line| line.strip_suffix(" imported"))
        .unwrap();
    let is_in = paths(server.dir()).len();
    assert!(
        told.parse::<usize>().unwrap() <= is_in,
        "what is told is in: {is_in} {said}"
    );
}

#[tokio::test]
async fn an_import_onto_a_full_disk_says_how_far_it_came() {
    // No file may grow beyond 2 MiB, which is what a full disk is to its writer.
    let server = Server::start(&Options {
        limits: Some("trap '' XFSZ; ulimit -S -f 4096".to_owned()),
        ..Options::default()
    });
    let said = server
        .command(&["import", "-", "--panel", "billing"])
        .run_with(&lines(40_000));
    assert_eq!(said.code, 1, "{said:?}");
    let told = said
        .err
        .lines()
        .find_map(|line| line.strip_suffix(" imported"));
    assert_eq!(told, Some(known(&server).to_string().as_str()), "{said:?}");
    for part in [
        "stopped at line ",
        "; import the file again for the rest",
        "STORE-",
    ] {
        assert!(said.err.contains(part), "{part} {said:?}");
    }
}

#[test]
fn a_server_of_another_version_says_so() {
    use std::io::{BufRead, BufReader};
    let dir = tempfile::tempdir().unwrap();
    let socket = std::os::unix::net::UnixListener::bind(dir.path().join("control.sock")).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let mut asked = String::new();
        BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut asked)
            .unwrap();
        let refused =
            json!({"refused": {"message": "the server does not understand this", "usage": false}});
        stream.write_all(format!("{refused}\n").as_bytes()).unwrap();
        asked
    });
    let said = admintrail(&["import", "-", "--panel", "billing"])
        .data(dir.path())
        .run_with(&lines(9_000));
    assert_eq!(
        server.join().unwrap(),
        "{\"ask\":\"import\",\"panel\":\"billing\"}\n"
    );
    assert_eq!(said.code, 1, "{said:?}");
    for part in [
        "0 imported",
        "stopped at line 1;",
        "does not understand this",
    ] {
        assert!(said.err.contains(part), "{part} {said:?}");
    }
}
