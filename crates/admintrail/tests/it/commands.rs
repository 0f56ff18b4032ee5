//! Commands beside a running server and without one.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Options, Panel, Server, admintrail, exchange, until};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

/// Some events to import.
fn lines(count: usize) -> String {
    (0..count)
        .map(|number| {
            let event = json!({
                "time": format!("2026-11-20T{:02}:{:02}:{:02}Z", number / 3600 % 24, number / 60 % 60, number % 60),
                "method": if number % 3 == 0 { "POST" } else { "GET" }, "path": format!("/items/{number}"),
                "status": 200, "admin": "olena@x.example", "ip": "198.51.100.7",
            });
            format!("{event}\n")
        })
        .collect()
}

#[tokio::test]
async fn accounts_and_tokens_are_made_beside_a_server_and_work_at_once() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let add = [
        "account",
        "add",
        "--email",
        "olena@x.example",
        "--name",
        "Olena",
        "--role",
        "owner",
        "--password-stdin",
    ];
    let said = server.command(&add).run_with("correct-horse-battery\n");
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    let form = "email=olena%40x.example&password=correct-horse-battery";
    let sign_in = format!(
        "POST /login HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {1}\r\nConnection: close\r\n\r\n{form}",
        server.pages,
        form.len()
    );
    let answer = String::from_utf8(exchange(server.pages, sign_in.as_bytes()).await).unwrap();
    assert!(
        answer.contains("set-cookie: admintrail_session="),
        "{answer}"
    );

    let again = server.command(&add).run_with("correct-horse-battery\n");
    assert_eq!(again.code, 2);
    assert!(again.err.contains("already"), "{}", again.err);
    let list = server.command(&["account", "list", "--json"]).run().ok();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        (&list[0]["email"], &list[0]["role"], &list[0]["disabled"]),
        (&json!("olena@x.example"), &json!("owner"), &json!(false))
    );

    let token = server.token("reader", "read");
    assert_eq!(token.lines().count(), 1);
    let ask = format!(
        "GET /api/v1/events?limit=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    assert!(
        exchange(server.pages, ask.as_bytes())
            .await
            .starts_with(b"HTTP/1.1 200")
    );
    assert!(
        !server
            .command(&["token", "list"])
            .run()
            .ok()
            .contains(&token),
        "a secret is shown once"
    );
    server
        .command(&["token", "revoke", "--name", "reader"])
        .run()
        .ok();
    assert!(
        exchange(server.pages, ask.as_bytes())
            .await
            .starts_with(b"HTTP/1.1 401"),
        "a revoked token is refused at once"
    );
    assert_eq!(
        server
            .command(&["token", "revoke", "--name", "reader"])
            .run()
            .code,
        2
    );
}

#[test]
fn accounts_are_made_without_a_server_and_the_last_owner_stays() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let add = |email: &str, role: &str| {
        admintrail(&["account", "add", "--email", email, "--role", role])
            .data(&data)
            .run()
    };
    let said = add("owner@x.example", "owner");
    assert!(said.out.contains("/reset?token="), "{said:?}");
    assert!(
        add("viewer@x.example", "viewer")
            .ok()
            .contains("/reset?token=")
    );
    assert_eq!(add("nobody", "viewer").code, 2);
    assert_eq!(add("a@b.example", "king").code, 2);
    let disable = |email: &str| {
        admintrail(&["account", "disable", "--email", email])
            .data(&data)
            .run()
    };
    assert!(disable("owner@x.example").err.contains("only owner"));
    disable("viewer@x.example").ok();
    let reset = admintrail(&["account", "reset-password", "--email", "owner@x.example"])
        .data(&data)
        .run()
        .ok();
    assert!(
        reset
            .trim()
            .starts_with("http://127.0.0.1:7070/reset?token="),
        "{reset}"
    );
    let table = admintrail(&["account", "list"]).data(&data).run().ok();
    assert!(
        table.lines().count() == 3 && table.contains("disabled"),
        "{table}"
    );
    let noted = admintrail(&["query", "path:/cli/account", "--json"])
        .data(&data)
        .run()
        .ok();
    assert_eq!(
        noted.lines().count(),
        4,
        "what is done at the shell is recorded: {noted}"
    );
    assert!(
        noted.contains("Disabled account viewer@x.example") && noted.contains("\"admin\":\"shell:"),
        "{noted}"
    );
}

#[tokio::test]
async fn a_password_that_is_too_weak_is_refused_with_a_reason() {
    let server = Server::start(&Options::default());
    let said = server
        .command(&[
            "account",
            "add",
            "--email",
            "o@x.example",
            "--role",
            "owner",
            "--password-stdin",
        ])
        .run_with("1234\n");
    assert_eq!(said.code, 2);
    assert!(!said.err.contains("1234"), "{}", said.err);
    assert_eq!(
        server
            .command(&["account", "list"])
            .run()
            .ok()
            .lines()
            .count(),
        1
    );
}

#[tokio::test]
async fn what_passed_a_moment_ago_is_found() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    for path in ["/a", "/b?x=1", "/c"] {
        exchange(server.panel(), get(path).as_bytes()).await;
    }
    server.events_when("", 3).await;
    let table = server
        .command(&["query", "panel:panel", "--from", "-1h"])
        .run();
    assert!(table.err.contains("3 events match"), "{}", table.err);
    let lines: Vec<&str> = table.out.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].ends_with("/c") && lines[1].ends_with("/b?x=1"),
        "{lines:#?}"
    );
    assert!(
        server
            .command(&["query", "path:/b", "--to", "-1h"])
            .run()
            .ok()
            .is_empty()
    );
    assert_eq!(
        server
            .command(&["query", "panel:panel", "--limit", "2"])
            .run()
            .ok()
            .lines()
            .count(),
        2
    );
    // It was recorded that somebody looked.
    let looked = server
        .command(&["query", "path:/cli/query", "--json"])
        .run()
        .ok();
    assert!(looked.contains("Searched events"), "{looked}");
}

#[test]
fn mistakes_are_pointed_at() {
    let dir = tempfile::tempdir().unwrap();
    let said = admintrail(&["query", "admin:olena colour:red"])
        .data(dir.path())
        .run();
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    let lines: Vec<&str> = said.err.lines().collect();
    let caret = lines.last().unwrap();
    assert!(
        said.err.contains("colour") && caret.trim_start().starts_with('^'),
        "{}",
        said.err
    );
    assert_eq!(
        caret.find('^'),
        lines[lines.len() - 2].find("colour"),
        "{}",
        said.err
    );

    for (args, word) in [
        (vec!["query", "--from", "sometime"], "--from"),
        (
            vec!["query", "--from", "2026-02-02", "--to", "2026-02-01"],
            "is not before",
        ),
        (vec!["query", "--limit", "0"], "--limit"),
        (vec!["export", "--format", "parchment"], "parchment"),
        (vec!["import", "-", "--panel", "Not A Panel"], "panel name"),
        (vec!["frobnicate"], "frobnicate"),
        (
            vec!["serve", "--config", "/nowhere/admintrail.toml"],
            "/nowhere/admintrail.toml",
        ),
    ] {
        let said = admintrail(&args).data(dir.path()).run();
        assert!(
            said.code == 2 && said.err.contains(word),
            "{args:?}: {said:?}"
        );
    }
    let said = admintrail(&["query"])
        .data(&dir.path().join("nothing-here"))
        .run();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("nothing-here"), "{}", said.err);
}

#[tokio::test]
async fn an_import_is_taken_once_however_often_it_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("old.ndjson");
    // Two equal lines of one file are two events.
    let equal = lines(1).repeat(2);
    std::fs::write(&file, format!("{}\n{equal}", lines(5_000))).unwrap();
    let data = dir.path().join("data");
    let file = file.display().to_string();
    let import = ["import", file.as_str(), "--panel", "billing"];
    let without = admintrail(&import).data(&data).run();
    assert_eq!(without.code, 0, "{}", without.err);
    assert!(without.err.contains("5002 imported"), "{}", without.err);

    let server = Server::on(&data, &Options::default());
    let beside = server.command(&import).run();
    assert!(
        beside.code == 0 && beside.err.contains("0 imported, 5002 were there already"),
        "{}",
        beside.err
    );
    let found = server
        .command(&[
            "query",
            "panel:billing admin:olena method:POST",
            "--limit",
            "9999",
        ])
        .run();
    assert!(found.err.contains("1669 events match"), "{}", found.err);
    let one = server
        .command(&["query", "path:/items/7", "--limit", "1", "--json"])
        .run()
        .ok();
    let one: Value = serde_json::from_str(one.trim()).unwrap();
    assert_eq!(
        (&one["known_by"], &one["type"]),
        (&json!("declared"), &json!("WEB"))
    );
}

#[tokio::test]
async fn bad_lines_are_numbered_and_the_good_ones_are_in() {
    let server = Server::start(&Options::default());
    let good = lines(3);
    let good: Vec<&str> = good.lines().collect();
    let text = format!(
        "{}\nnot json\n{{\"time\":\"2026-11-20T00:00:00Z\",\"method\":\"GET\"}}\n{}\n{{\"time\":\"yesterday\",\"method\":\"GET\",\"path\":\"/\"}}\n\n{}\n[]\n",
        good[0], good[1], good[2]
    );
    let said = server
        .command(&["import", "-", "--panel", "billing", "--format", "ndjson"])
        .run_with(&text);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("3 imported") && said.err.contains("4 not taken"),
        "{}",
        said.err
    );
    for line in ["-:2: ", "-:3: path: ", "-:5: time: ", "-:8: "] {
        assert!(said.err.contains(line), "{line}\n{}", said.err);
    }
    let nameless = server.command(&["import", "-"]).run_with(good[0]);
    assert!(
        nameless.code == 1 && nameless.err.contains("--panel"),
        "{}",
        nameless.err
    );
    let strange = server
        .command(&["import", "-", "--panel", "billing"])
        .run_with("127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 1\n");
    assert!(
        strange.code == 2 && strange.err.contains("NDJSON"),
        "{}",
        strange.err
    );
}

#[tokio::test]
async fn an_export_can_be_imported_again_and_changes_nothing() {
    let panel = Panel::fine().await;
    let mut server = Server::start(&Options::panel(panel.address));
    for number in 0..30 {
        exchange(
            server.panel(),
            get(&format!("/items/{number}?a=%20%22,")).as_bytes(),
        )
        .await;
    }
    server.events_when("", 30).await;
    let exported = server
        .command(&["export", "panel:panel", "--format", "ndjson"])
        .run()
        .ok();
    assert_eq!(exported.lines().count(), 30);
    let again = server.command(&["import", "-"]).run_with(&exported);
    assert!(
        again.code == 0 && again.err.contains("0 imported, 30 were there already"),
        "{}",
        again.err
    );
    // Into another folder they go whole.
    let other = tempfile::tempdir().unwrap();
    let said = admintrail(&["import", "-"])
        .data(other.path())
        .run_with(&exported);
    assert!(
        said.code == 0 && said.err.contains("30 imported"),
        "{}",
        said.err
    );
    let there = admintrail(&["export", "panel:panel", "--format", "ndjson"])
        .data(other.path())
        .run()
        .ok();
    let without = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| {
                let mut event: Value = serde_json::from_str(line).unwrap();
                for decided in ["log", "seq", "received", "first"] {
                    event.as_object_mut().unwrap().remove(decided);
                }
                event
            })
            .collect()
    };
    assert_eq!(without(&there), without(&exported));
    assert_eq!(server.stop(), 0);
    assert_eq!(
        server
            .command(&["export", "panel:panel", "--format", "ndjson"])
            .run()
            .ok(),
        exported,
        "also without a server"
    );
}

#[tokio::test]
async fn csv_opens_in_a_spreadsheet_and_files_are_whole_or_absent() {
    let server = Server::start(&Options::default());
    let event = json!({"time": "2026-11-20T00:00:00Z", "method": "GET", "path": "/a", "user_agent": "=HYPERLINK(\"http://evil\")", "admin": "@SUM(A1)"});
    server
        .command(&["import", "-", "--panel", "billing"])
        .run_with(&event.to_string())
        .ok();
    let csv = server
        .command(&["export", "panel:billing", "--format", "csv"])
        .run()
        .ok();
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert!(
        lines[0].starts_with("id,log,seq,kind,") && lines.len() == 3,
        "{csv}"
    );
    assert!(
        csv.contains("'=HYPERLINK") && csv.contains("'@SUM"),
        "{csv}"
    );

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("november.csv");
    let path = file.display().to_string();
    let said = server
        .command(&["export", "panel:billing", "--format", "csv", "-o", &path])
        .run();
    assert!(
        said.code == 0 && said.out.is_empty() && said.err.contains("1 event written"),
        "{said:?}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), csv);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let said = server
        .command(&["export", "--format", "csv", "-o", "/nowhere/at/all.csv"])
        .run();
    assert!(
        said.code == 1 && said.err.contains("/nowhere/at/all.csv"),
        "{said:?}"
    );
}

#[tokio::test]
async fn an_export_with_proof_is_a_zip_that_is_whole_or_absent() {
    let server = Server::start(&Options::default());
    server
        .command(&["import", "-", "--panel", "billing"])
        .run_with(&lines(30))
        .ok();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pack.zip");
    let path = file.display().to_string();
    let export = ["export", "panel:billing", "--with-proof", "-o", &path];
    // Until the newest block is published its events are left out, and that is said.
    let said = until("all events are in the ledger", || async {
        let said = server.command(&export).run();
        (said.code == 0 && said.err.contains("30 events with proof")).then_some(said)
    })
    .await;
    assert!(
        said.out.is_empty() && !said.err.contains("Left out"),
        "{said:?}"
    );
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PK"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    let nobody = dir.path().join("nobody.zip").display().to_string();
    let said = server
        .command(&["export", "admin:nobody", "--with-proof", "-o", &nobody])
        .run();
    assert!(
        said.code == 1 && said.err.contains("no event of this view can be proven"),
        "{said:?}"
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    for wrong in [
        vec!["export", "--with-proof"],
        vec!["export", "--with-proof", "--format", "csv", "-o", &nobody],
        vec!["export", "-o", &nobody],
    ] {
        let said = server.command(&wrong).run();
        assert_eq!(said.code, 2, "{wrong:?}: {said:?}");
    }
}

#[tokio::test]
async fn an_export_is_parquet_too() {
    let server = Server::start(&Options::default());
    let event = json!({"time": "2026-11-20T00:00:00Z", "method": "GET", "path": "/a"});
    server
        .command(&["import", "-", "--panel", "billing"])
        .run_with(&event.to_string())
        .ok();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("november.parquet");
    let path = file.display().to_string();
    let said = server
        .command(&[
            "export",
            "panel:billing",
            "--format",
            "parquet",
            "-o",
            &path,
        ])
        .run();
    assert!(
        said.code == 0 && said.err.contains("1 event written"),
        "{said:?}"
    );
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let said = server.command(&["export", "--format", "xlsx"]).run();
    assert!(
        said.code == 2 && said.err.contains("csv, ndjson, parquet"),
        "{said:?}"
    );
}

#[tokio::test]
async fn tail_shows_what_was_and_what_comes() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    for path in ["/one", "/two"] {
        exchange(server.panel(), get(path).as_bytes()).await;
    }
    server.events_when("", 2).await;
    let mut child = server
        .command(&["tail", "panel:panel path:/two,/three", "--json"])
        .spawn();
    let (line, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let out = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for text in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = line.send(text);
        }
    });
    let mut next = async || {
        let text = tokio::time::timeout(Duration::from_secs(10), heard.recv())
            .await
            .expect("a line")
            .unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["path"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(next().await, "/two");
    exchange(server.panel(), get("/one").as_bytes()).await;
    exchange(server.panel(), get("/three").as_bytes()).await;
    assert_eq!(next().await, "/three");
    child.kill().unwrap();
    child.wait().unwrap();
    exchange(server.panel(), get("/three").as_bytes()).await;
    server.command(&["healthcheck"]).run().ok();
}

#[tokio::test]
async fn output_that_nobody_reads_any_more_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    admintrail(&["import", "-", "--panel", "billing"])
        .data(dir.path())
        .run_with(&lines(20_000))
        .ok();
    for args in [
        vec!["export", "--format", "csv"],
        vec!["query", "--limit", "20000"],
    ] {
        let mut child = admintrail(&args).data(dir.path()).spawn();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!(
            (
                done.status.code(),
                String::from_utf8_lossy(&done.stderr).as_ref()
            ),
            (Some(0), ""),
            "{args:?}"
        );
    }
}

#[tokio::test]
async fn healthcheck_tells_a_server_from_none() {
    let mut server = Server::start(&Options::default());
    assert!(
        server
            .command(&["healthcheck"])
            .run()
            .err
            .starts_with("Ready: ")
    );
    server.kill();
    let said = server.command(&["healthcheck"]).run();
    assert!(
        said.code == 1 && said.err.contains("no server runs"),
        "{said:?}"
    );
}

#[test]
fn a_demo_that_is_stopped_at_once_leaves_no_folder_behind() {
    let tmp = tempfile::tempdir().unwrap();
    let mut child = admintrail(&["demo", "--listen", "127.0.0.1:0"])
        .env("TMPDIR", &tmp.path().display().to_string())
        .spawn();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ctrl-C") {
        assert_ne!(out.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let folders = || std::fs::read_dir(tmp.path()).unwrap().count();
    assert_eq!(folders(), 1);
    let pid = rustix::process::Pid::from_child(&child);
    // However the two fall: the first ends it in its own time, the second at once.
    while child.try_wait().unwrap().is_none() {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        std::thread::yield_now();
    }
    assert_eq!(folders(), 0);
}

#[test]
fn a_token_for_a_panel_that_nobody_configured_is_made_and_said() {
    let server = Server::start(&Options::default());
    let create = |panel: &str| {
        let args = [
            "token", "create", "--name", panel, "--scope", "read", "--panel", panel,
        ];
        server.command(&args).run()
    };
    let said = create("nopanel");
    assert!(
        said.code == 0 && said.err.contains("Warning: no panel nopanel is configured"),
        "{said:?}"
    );
    assert!(!said.out.trim().is_empty());
    assert_eq!(create("admintrail").err, "");
    // Which one is said with a flag or without.
    server.command(&["token", "revoke", "nopanel"]).run().ok();
    server
        .command(&["token", "revoke", "--name", "admintrail"])
        .run()
        .ok();
    let add = ["account", "add", "o@x.example", "--role", "owner"];
    assert!(server.command(&add).run().ok().contains("/reset?token="));
    let add = ["account", "add", "a@x.example", "--role", "auditor"];
    server.command(&add).run().ok();
    let disable = |whose: &[&str]| {
        server
            .command(&[&["account", "disable"], whose].concat())
            .run()
            .code
    };
    assert_eq!(disable(&["a@x.example"]), 0);
    assert_eq!(disable(&[]), 2);
}

#[test]
fn an_empty_moment_is_no_moment() {
    let dir = tempfile::tempdir().unwrap();
    for flag in ["--from", "--to"] {
        let said = admintrail(&["query", flag, ""]).data(dir.path()).run();
        assert!(
            said.code == 2 && said.err.contains(&format!("{flag}: is empty")),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn the_demo_is_alive_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("demo");
    let mut child = admintrail(&["demo", "--listen", "127.0.0.1:0"])
        .data(&data)
        .spawn();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Ctrl-C") {
        assert_ne!(out.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let urls: Vec<&str> = said
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("http://"))
        .collect();
    let (page, path) = urls[0].split_once('/').unwrap();
    let page = page.parse().unwrap();
    let answer =
        String::from_utf8(exchange(page, get(&format!("/{path}")).as_bytes()).await).unwrap();
    let cookie = answer
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .expect(&answer)
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let list = format!(
        "GET /monitoring/admin-sessions HTTP/1.1\r\nHost: {page}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    );
    let shown = String::from_utf8_lossy(&exchange(page, list.as_bytes()).await).into_owned();
    assert!(
        shown.starts_with("HTTP/1.1 200") && shown.contains("northwind"),
        "{shown}"
    );
    let count = |filter: &str| {
        admintrail(&["query", filter, "--limit", "100000", "--json"])
            .data(&data)
            .run()
            .ok()
            .lines()
            .count()
    };
    assert!(count("panel:northwind") > 500);
    until("people are at work", || async {
        (count("panel:northwind known_by:session recorder:demo") > 100
            && count("path:/login status:303") >= 3)
            .then_some(())
    })
    .await;
    let panel = urls[1].parse().unwrap();
    assert!(
        exchange(panel, get("/login").as_bytes())
            .await
            .starts_with(b"HTTP/1.1 200")
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
