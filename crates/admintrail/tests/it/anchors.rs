//! Checkpoints in other hands: real files, a real receiver, a real mail server, and `verify`.

mod places;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::stage::smtp::Smtp;
use crate::stage::{Options, Panel, Said, Seen, Server, admintrail, exchange, until};

const SECRET: &str = "canary-0123456789abcdef";

fn options(panel: &Panel, config: &str) -> Options {
    Options {
        config: format!("version = 1\n{config}\n"),
        ..Options::panel(panel.address)
    }
}

fn to_file(path: &Path) -> String {
    format!("[ledger]\nanchor_files = [\"{}\"]", path.display())
}

/// `admintrail verify` with the configuration of a server.
fn verify(data: &Path, more: &[&str]) -> Said {
    let config = data.with_extension("toml").display().to_string();
    let args = [&["verify", "--config", &config], more].concat();
    admintrail(&args).data(data).run()
}

fn report(data: &Path, more: &[&str]) -> (i32, Value) {
    let said = verify(data, &[more, &["--json"]].concat());
    let json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    (said.code, json)
}

/// `good` of each anchor.
fn states(report: &Value) -> Vec<&str> {
    let anchors = report["anchors"].as_array().unwrap().iter();
    anchors.map(|one| one["state"].as_str().unwrap()).collect()
}

fn is_signed(seen: &Seen, key: &[u8]) -> bool {
    let part = |name: &str| seen.header(name).pop().unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{}.{}.", part("webhook-id"), part("webhook-timestamp")).as_bytes());
    mac.update(&seen.body);
    let right = STANDARD.encode(mac.finalize().into_bytes());
    part("webhook-signature") == format!("v1,{right}")
}

async fn use_panel(server: &Server) {
    let get = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(server.panel(), get).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

async fn there(path: &Path) -> Vec<u8> {
    until("the anchor is written", || async { fs::read(path).ok() }).await
}

fn set_back(path: &Path, by: Duration) {
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - by).unwrap();
}

/// A data folder and a folder that is none of its.
struct Place {
    dir: tempfile::TempDir,
    outside: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { dir, outside }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn file(&self) -> PathBuf {
        self.outside.path().join("admintrail.checkpoint")
    }
}

#[tokio::test]
async fn a_checkpoint_reaches_a_file_a_receiver_and_a_mailbox_and_each_of_them_verifies() {
    let (panel, receiver, place) = (Panel::fine().await, Panel::fine().await, Place::new());
    let mail = Smtp::start(None);
    let by_mail = mail.as_ref().map(|server| {
        format!(
            "anchor_email = [\"security@example.org\"]\n[alerts]\nemail = {{ to = [\"ops@example.org\"], \
             from = \"trail@example.org\", smtp = \"smtp://127.0.0.1:{}\" }}",
            server.port
        )
    });
    let config = format!(
        "{}\nanchor_webhook = \"http://{}/hooks/canary\"\nanchor_webhook_secret = \"{SECRET}\"\n\
         anchor_webhook_network = \"any\"\n{}",
        to_file(&place.file()),
        receiver.address,
        by_mail.unwrap_or_default()
    );
    let options = options(&panel, &config);
    let mut server = Server::on(&place.data(), &options);
    use_panel(&server).await;
    let note = there(&place.file()).await;
    let posted = until("it is posted", || async { receiver.seen().pop() }).await;
    assert!(posted.line().starts_with("POST /hooks/canary "));
    assert!(is_signed(&posted, SECRET.as_bytes()), "{}", posted.text());
    let json: Value = serde_json::from_slice(&posted.body).unwrap();
    let mut keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["at", "checkpoint", "host", "origin", "root", "size"]);

    let line = fs::read(place.file().with_extension("checkpoint.log")).unwrap();
    let line: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(line["checkpoint"].as_str().unwrap().as_bytes(), note);

    // Each copy is an anchor, and the file of the configuration is one by itself.
    let kept = place.outside.path().join("posted.json");
    fs::write(&kept, &posted.body).unwrap();
    let mut given = vec!["--anchor".to_owned(), kept.display().to_string()];
    if let Some(mail) = &mail {
        let mail = mail.mails_when(1).await.remove(0);
        assert_eq!(
            mail["recipients"],
            serde_json::json!(["security@example.org"])
        );
        let subject = mail["subject"].as_str().unwrap();
        assert!(subject.contains("Checkpoint of the ledger"), "{subject}");
        let attached = mail["attached"].as_object().unwrap();
        let (name, note) = attached.iter().next().unwrap();
        let note = note.as_str().unwrap();
        let text = mail["text"].as_str().unwrap().replace("\r\n", "\n");
        assert!(text.contains(note), "{mail}");
        let path = place.outside.path().join(name);
        fs::write(&path, note).unwrap();
        given.extend(["--anchor".to_owned(), path.display().to_string()]);
    }
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let (code, found) = report(&place.data(), &given);
    assert_eq!(
        (code, found["state"].as_str()),
        (0, Some("intact")),
        "{found}"
    );
    assert!(
        states(&found).iter().all(|state| *state == "good"),
        "{found}"
    );
    assert_eq!(states(&found).len(), 2 + given.len() / 2, "{found}");
    let said = verify(&place.data(), &given).ok();
    let holds = format!("the anchor {} holds: ", place.file().display());
    assert!(said.contains(&holds), "{said}");

    // Within the hour nobody gets another one, whatever happens to the server.
    server.kill();
    let server = Server::on(&place.data(), &options);
    use_panel(&server).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.seen().len(), 1);
    assert_eq!(fs::read(place.file()).unwrap(), note);
    if let Some(mail) = &mail {
        assert_eq!(mail.mails().len(), 1);
    }
    assert!(!server.log().contains("canary"), "{}", server.log());
}

/// Whether there is a Python, which a complete test run does not do without.
fn has_python() -> bool {
    let version = Command::new("python3").arg("--version").output();
    let found = version.is_ok_and(|out| out.status.success());
    let complete = ["CI", "ADMINTRAIL_TEST_ALL"].map(std::env::var_os);
    assert!(found || complete.iter().all(Option::is_none), "no python3");
    found
}

#[tokio::test]
async fn a_proof_pack_has_a_way_from_the_anchor_that_lies_elsewhere() {
    if !has_python() {
        eprintln!("SKIPPED: no python3");
        return;
    }
    let (panel, place) = (Panel::fine().await, Place::new());
    let pack = place.outside.path().join("pack.zip").display().to_string();
    let export = ["export", "panel:panel", "--with-proof", "-o", &pack];
    let mut server = Server::on(&place.data(), &options(&panel, ""));
    use_panel(&server).await;
    until("it is in the ledger", || async {
        (server.command(&export).run().code == 0).then_some(())
    })
    .await;
    server.stop();
    // The checkpoint that goes out covers that, and not what comes then.
    let server = Server::on(&place.data(), &options(&panel, &to_file(&place.file())));
    there(&place.file()).await;
    use_panel(&server).await;
    let kept = place.file().display().to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/src/pack/verify.py");
    // The server notes a moment after the file is there that it is.
    let said = until("the pack knows the anchor", || async {
        server.command(&export).run().ok();
        let mut python = Command::new("python3");
        let check = python.arg("-B").arg(&script).arg(&pack);
        let check = check.args(["--checkpoint", &kept]).output().unwrap();
        check
            .status
            .success()
            .then(|| String::from_utf8(check.stdout).unwrap())
    })
    .await;
    assert!(
        said.contains("the ledger begins with the checkpoint you gave"),
        "{said}"
    );
    let mut python = Command::new("python3");
    let said = python.arg("-B").arg(&script).arg(&pack).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("compare these with the copies there"),
        "{said}"
    );
    assert!(said.contains(&format!("note:   file {kept}, ")), "{said}");
}

#[tokio::test]
async fn verify_tells_a_missing_and_a_stale_anchor_from_one_that_is_none_and_from_tampering() {
    let (panel, place) = (Panel::fine().await, Place::new());
    let options = options(&panel, &to_file(&place.file()));
    let mut server = Server::on(&place.data(), &options);
    use_panel(&server).await;
    let note = there(&place.file()).await;
    server.stop();
    let data = place.data();
    let log = place.file().with_extension("checkpoint.log");
    assert_eq!(report(&data, &[]).0, 0);

    // Two intervals are an hour each.
    set_back(&place.file(), Duration::from_secs(2 * 3_600 - 60));
    assert_eq!(report(&data, &[]).0, 0);
    set_back(&place.file(), Duration::from_secs(2 * 3_600 + 60));
    let (code, found) = report(&data, &[]);
    assert_eq!(
        (code, states(&found)),
        (4, vec!["stale", "good"]),
        "{found}"
    );
    assert_eq!(found["state"], "anchor");

    fs::remove_file(place.file()).unwrap();
    let (code, found) = report(&data, &[]);
    assert_eq!(
        (code, states(&found)),
        (4, vec!["missing", "good"]),
        "{found}"
    );
    let said = verify(&data, &[]);
    let missing = format!("the anchor {} is missing", place.file().display());
    assert!(said.code == 4 && said.out.contains(&missing), "{said:?}");
    let said = verify(&data, &["--anchor", "/nowhere/at/all"]);
    assert!(
        said.code == 4 && said.out.contains("/nowhere/at/all is missing"),
        "{said:?}"
    );

    // Something else; a checkpoint that somebody else signed; a line that is none.
    let text = String::from_utf8(note.clone()).unwrap();
    let size = text.lines().nth(1).unwrap();
    let forged = text.replacen(&format!("\n{size}\n"), "\n99999\n", 1);
    for other in ["something else", &forged, ""] {
        fs::write(place.file(), other).unwrap();
        let (code, found) = report(&data, &[]);
        let expected = vec!["not_a_checkpoint", "good"];
        assert_eq!((code, states(&found)), (4, expected), "{found}");
        assert!(found["anchors"][0]["says"].is_string(), "{found}");
    }
    fs::write(place.file(), &note).unwrap();
    let whole = fs::read(&log).unwrap();
    fs::write(&log, [&whole[..], b"{\"size\": 1}\n"].concat()).unwrap();
    let (code, found) = report(&data, &[]);
    assert_eq!(
        (code, states(&found)),
        (4, vec!["good", "not_a_checkpoint"]),
        "{found}"
    );
    let says = found["anchors"][1]["says"].as_str().unwrap();
    assert!(says.starts_with("line 2: "), "{says}");
    // One that was being written when the power failed is no matter.
    fs::write(&log, [&whole[..], &whole[..40]].concat()).unwrap();
    assert_eq!(report(&data, &[]).0, 0);

    // The configuration has to be right where it speaks of anchors, and nowhere else.
    let config = data.with_extension("toml");
    let right = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("listn = 5\n{right}")).unwrap();
    assert_eq!(report(&data, &[]).0, 0);
    fs::write(&config, right.replace("anchor_files", "anchor_file")).unwrap();
    let said = verify(&data, &[]);
    assert!(
        said.code == 2 && said.err.contains("did you mean \"anchor_files\""),
        "{said:?}"
    );
    fs::write(&config, &right).unwrap();

    // The record goes on, is anchored, and then somebody puts the old one back.
    let old = place.outside.path().join("old");
    copy(&data, &old);
    let mut server = Server::on(&data, &options);
    use_panel(&server).await;
    server.stop();
    let longer = place.outside.path().join("longer");
    fs::copy(data.join("ledger/checkpoint"), &longer).unwrap();
    let longer = longer.display().to_string();
    assert_eq!(report(&data, &["--anchor", &longer]).0, 0);
    fs::rename(&data, place.outside.path().join("whole")).unwrap();
    copy(&old, &data);
    assert_eq!(report(&data, &[]).0, 0, "by itself it is in order");
    let (code, found) = report(&data, &["--anchor", &longer]);
    assert_eq!(
        (code, found["state"].as_str()),
        (1, Some("tampered")),
        "{found}"
    );
    // Tampering is worse than an anchor that is missing, and both are told.
    fs::remove_file(place.file()).unwrap();
    let (code, found) = report(&data, &["--anchor", &longer]);
    assert_eq!(code, 1, "{found}");
    assert_eq!(states(&found), ["missing", "unchecked", "unchecked"]);
    // In the log of the file it is found as well.
    let json = serde_json::json!({
        "size": 0, "root": "", "checkpoint": fs::read_to_string(&longer).unwrap(),
    });
    fs::write(&log, [&whole[..], format!("{json}\n").as_bytes()].concat()).unwrap();
    assert_eq!(report(&data, &[]).0, 1);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn whenever_it_is_killed_the_file_is_a_whole_checkpoint_of_this_ledger() {
    let (panel, place) = (Panel::fine().await, Place::new());
    let options = options(&panel, &to_file(&place.file()));
    let mut written = 0;
    for round in 0..8_u64 {
        let mut server = Server::on(&place.data(), &options);
        use_panel(&server).await;
        tokio::time::sleep(Duration::from_millis(round * 170)).await;
        server.kill();
        if let Ok(note) = fs::read(place.file()) {
            written += 1;
            assert!(note.ends_with(b"\n"), "{}", note.escape_ascii());
            let (code, found) = report(&place.data(), &[]);
            assert_eq!(code, 0, "{found}");
            // Nothing is known of it, as if nobody had been told.
            let control = admintrail_store::Control::open(&place.data()).unwrap();
            control.set_setting("anchors", None).wait().unwrap();
            control.close();
        }
    }
    assert!(written > 2, "{written}");
}

#[test]
fn every_mistake_about_anchors_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.toml");
    let check = |text: &str| {
        fs::write(
            &file,
            format!("version = 1\ndata = \"/var/lib/trail\"\n{text}\n"),
        )
        .unwrap();
        let file = file.display().to_string();
        admintrail(&["config", "check", "--config", &file]).run()
    };
    let said = check(
        "[ledger]\nanchor_files = [\"backup\", \"/tmp\", \"/var/lib/trail/a\", \"/mnt/a\", \"/mnt/a\"]\n\
         anchor_webhook = \"http://hooks.example.org/canary\"\nanchor_webhook_secret = \"canary\"\n\
         anchor_email = [\"olena\"]\nanchor_every_minutes = 4\nanchor_evry = 5",
    );
    assert_eq!(said.code, 2, "{said:?}");
    assert!(!said.err.contains("canary"), "{said:?}");
    for mistake in [
        "bad.toml:4: ledger.anchor_files: \"backup\" is not an absolute path",
        "ledger.anchor_files: \"/tmp\" is a folder",
        "ledger.anchor_files: \"/var/lib/trail/a\" is in the data folder",
        "ledger.anchor_files: \"/mnt/a\" is named twice",
        "ledger.anchor_webhook: is not encrypted; write https, or anchor_webhook_network = \"any\"",
        "ledger.anchor_webhook_secret: is shorter than 16 characters",
        "ledger.anchor_email: \"olena\" is not an e-mail address",
        "ledger.anchor_email: needs a mail server; write one, and the sender, as email under [alerts]",
        "ledger.anchor_every_minutes: \"4\" is not a whole number from 5 to 1440",
        "ledger.anchor_evry: there is no such key",
        "10 mistakes",
    ] {
        assert!(said.err.contains(mistake), "{mistake}: {}", said.err);
    }
}

#[test]
fn whoever_has_no_anchor_elsewhere_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("good.toml");
    let check = |ledger: &str| {
        let data = dir.path().join("data");
        let text = format!("version = 1\ndata = \"{}\"\n{ledger}\n", data.display());
        fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        let said = admintrail(&["config", "check", "--config", &file]).run();
        assert_eq!(said.code, 0, "{said:?}");
        said.err
    };
    assert!(check("").contains("No anchor outside this machine yet"));
    let same = dir.path().join("a.checkpoint");
    let said = check(&to_file(&same));
    assert!(said.contains("is on the disk of the data folder"), "{said}");
    let missing = dir.path().join("mnt/a.checkpoint");
    let said = check(&to_file(&missing));
    assert!(
        said.contains("cannot be kept") && said.contains("mounted"),
        "{said}"
    );
    let said = check("[ledger]\nanchor_webhook = \"https://hooks.example.org/\"");
    assert!(!said.to_lowercase().contains("anchor"), "{said}");
}
