//! The configuration: every mistake at once, every value with its origin.

use std::path::Path;

use crate::stage::{Said, admintrail};

fn config(dir: &Path, command: &[&str]) -> crate::stage::Command {
    admintrail(&[&["config"], command].concat()).dir(dir)
}

/// Text without what differs from run to run.
fn plain(said: &Said) -> String {
    format!("exit {}\n{}{}", said.code, said.out, said.err)
}

#[test]
fn every_mistake_is_reported_at_once_with_its_place_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = r#"version = 1
listn = "127.0.0.1:7070"
data = 5
trusted_proxies = ["10.0.0.0/8", "here"]
log_format = "xml"

[retention]
days = 40000
weeks = 1

[[panel]]
name = "Billing"
upstream = "http://127.0.0.1:8000/admin"
listen = "8080"
preset = "jango-admin"
on_failure = "ignore"
tls_cert = "cert.pem"
max_connections = 0
retention_days = 0
colour = "blue"

[panel.identity_header]
name = "not a header"

[panel.timeouts]
connect = "soon"
respons = "10s"

[[panel]]
name = "wiki"
upstream = "ftp://127.0.0.1"

[[panel]]
name = "admintrail"
listen = "127.0.0.1:9000"

[[panel]]
upstream = "http://user:secret@127.0.0.1:1"
listen = "127.0.0.1:9001"
"#;
    std::fs::write(dir.path().join("bad.toml"), file).unwrap();
    let said = config(dir.path(), &["check", "--config", "bad.toml"]).run();
    insta::assert_snapshot!("every_mistake", plain(&said));
}

#[test]
fn a_mistake_inside_a_panel_hides_none_between_panels() {
    let dir = tempfile::tempdir().unwrap();
    let panel = |more: &str| {
        format!(
            "[[panel]]\nname = \"billing\"\nupstream = \"http://127.0.0.1:8000\"\n\
             listen = \"127.0.0.1:8080\"\n{more}"
        )
    };
    let file = format!(
        "version = 1\n{}{}",
        panel("tls_cert = \"cert.pem\"\n"),
        panel("")
    );
    std::fs::write(dir.path().join("bad.toml"), file).unwrap();
    let said = config(dir.path(), &["check", "--config", "bad.toml"]).run();
    for part in [
        "3 mistakes",
        "bad.toml:6: panel.billing.tls_key: is missing",
        "bad.toml:8: panel.billing: there are two panels of this name",
        "bad.toml:10: panel.billing.listen: 127.0.0.1:8080 is taken by the panel billing",
    ] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
}

#[test]
fn every_mistake_about_tokens_and_identities_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = r#"version = 1
[[panel]]
name = "billing"
token_headers = ["x-panel-key", "authorization", "not a header", 5]
token_parameter = "a&b"

[[panel.identity]]
fingerprint = "77f0"
admin = "ci"

[[panel.identity]]
token_sha256 = "zz"
admin = "ci"

[[panel.identity]]
basic_user = "ci:secret"
admin = "ci"

[[panel.identity]]
basic_user = "ci"
colour = "blue"

[[panel.identity]]
admin = ""

[[panel.identity]]
basic_user = "one"
fingerprint = "77f0a1b277f0a1b277f0a1b277f0a1b2"
admin = "ci"

[[panel.identity]]
basic_user = "twice"
admin = "ci"

[[panel.identity]]
basic_user = "twice"
admin = "di"
"#;
    std::fs::write(dir.path().join("bad.toml"), file).unwrap();
    let said = config(dir.path(), &["check", "--config", "bad.toml"]).run();
    assert_eq!(said.code, 2);
    insta::assert_snapshot!("mistakes_about_identities", plain(&said));
}

#[test]
fn panels_that_do_not_fit_together_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = r#"version = 1

[[panel]]
name = "billing"
upstream = "http://127.0.0.1:8000"
listen = "127.0.0.1:7070"

[[panel]]
name = "billing"
upstream = "http://127.0.0.1:8081"
listen = "0.0.0.0:8081"

[[panel]]
name = "wiki"
upstream = "http://127.0.0.1:8002"
listen = "127.0.0.1:8081"
"#;
    std::fs::write(dir.path().join("clash.toml"), file).unwrap();
    let said = config(dir.path(), &["check", "--config", "clash.toml"]).run();
    insta::assert_snapshot!("panels_clash", plain(&said));
}

#[test]
fn a_file_that_is_not_toml_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("broken.toml"),
        "version = 1\n[[panel]\nname = \"a\"\n",
    )
    .unwrap();
    let said = config(dir.path(), &["check", "--config", "broken.toml"]).run();
    assert!(
        said.code == 2 && said.err.contains("broken.toml:2"),
        "{said:?}"
    );
    std::fs::write(dir.path().join("old.toml"), "listen = \"127.0.0.1:1\"\n").unwrap();
    let said = config(dir.path(), &["check", "--config", "old.toml"]).run();
    assert!(
        said.code == 2 && said.err.contains("version = 1"),
        "{said:?}"
    );
    std::fs::write(dir.path().join("new.toml"), "version = 2\n").unwrap();
    let said = config(dir.path(), &["check", "--config", "new.toml"]).run();
    assert!(
        said.code == 2 && said.err.contains("new.toml:1") && said.err.contains("CHANGELOG"),
        "{said:?}"
    );
    let said = config(dir.path(), &["check", "--config", "missing.toml"]).run();
    assert!(
        said.code == 2 && said.err.contains("--config") && said.err.contains("missing.toml"),
        "{said:?}"
    );
}

#[test]
fn show_says_where_each_value_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = r#"version = 1
listen = "127.0.0.1:7071"
log_format = "json"
recorder = "web-1"

[retention]
days = 500

[ledger]
public = true

[[panel]]
name = "billing"
upstream = "http://127.0.0.1:8000"
listen = ":8080"
preset = "django-admin"
trusted_proxies = ["127.0.0.1/32", "10.1.2.3"]
on_failure = "closed"
attempted_names = "all"
max_connections = 100
retention_days = 90
identity_header = { name = "X-Remote-User", from = ["127.0.0.1"] }

[panel.timeouts]
response = "5m"
"#;
    std::fs::write(dir.path().join("good.toml"), file).unwrap();
    let show = || {
        config(dir.path(), &["show", "--config", "good.toml"])
            .env("ADMINTRAIL_LOG_FORMAT", "text")
            .env("ADMINTRAIL_DATA", "/from/environment")
    };
    insta::assert_snapshot!("show", plain(&show().run()));
    // A flag wins over the environment, which wins over the file.
    let said = show().data(Path::new("/from/flag")).run();
    assert!(
        said.out.lines().any(|line| line.starts_with("data")
            && line.contains("/from/flag")
            && line.ends_with("--data")),
        "{}",
        said.out
    );
    let json = config(dir.path(), &["show", "--json", "--config", "good.toml"])
        .run()
        .ok();
    let values: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(
        values
            .as_array()
            .unwrap()
            .iter()
            .any(|value| value["key"] == "listen" && value["from"] == "good.toml:2"),
        "{json}"
    );
}

#[test]
fn a_panel_may_come_from_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let panels = "name=a,upstream=http://127.0.0.1:1,listen=127.0.0.1:2,trusted_proxies=10.0.0.0/8,192.168.0.0/16,retention_days=30;name=b,upstream=http://127.0.0.1:3,listen=127.0.0.1:4,timeouts.response=9s";
    let said = config(dir.path(), &["show"])
        .env("ADMINTRAIL_PANEL", panels)
        .run();
    assert_eq!(said.code, 0, "{said:?}");
    for (key, value) in [
        ("panel.a.retention_days", "30"),
        (
            "panel.a.trusted_proxies",
            "[\"10.0.0.0/8\", \"192.168.0.0/16\"]",
        ),
        ("panel.b.timeouts.response", "9s"),
    ] {
        let line = said
            .out
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_else(|| panic!("{key}: {}", said.out));
        assert!(
            line.contains(value) && line.ends_with("ADMINTRAIL_PANEL"),
            "{line}"
        );
    }
}

/// The line of a key in `config show`, word by word.
fn row(said: &Said, key: &str) -> Vec<String> {
    let line = said.out.lines().find(|line| line.starts_with(key));
    let line = line.unwrap_or_else(|| panic!("{key}: {said:?}"));
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn how_long_events_are_kept_may_come_from_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let show = |args: &[&str], days: Option<&str>| {
        let command = config(dir.path(), &[&["show"], args].concat());
        match days {
            Some(days) => command.env("ADMINTRAIL_RETENTION_DAYS", days).run(),
            None => command.run(),
        }
    };
    let key = "retention.days";
    assert_eq!(row(&show(&[], None), key), [key, "400", "default"]);
    let variable = "ADMINTRAIL_RETENTION_DAYS";
    assert_eq!(row(&show(&[], Some("30")), key), [key, "30", variable]);
    let wrong = show(&[], Some("0"));
    let said = format!("{variable}: {key}: \"0\" is not a whole number of days from 1 to 36500");
    assert!(wrong.code == 2 && wrong.err.contains(&said), "{wrong:?}");
    // The variable wins over the file, whose mistakes are told all the same.
    std::fs::write(
        dir.path().join("a.toml"),
        "version = 1\n[retention]\ndays = 90\n[[panel]]\nname = \"wiki\"\n",
    )
    .unwrap();
    let file = ["--config", "a.toml"];
    assert_eq!(row(&show(&file, None), key), [key, "90", "a.toml:3"]);
    assert_eq!(row(&show(&file, Some("30")), key), [key, "30", variable]);
    let panel = "panel.wiki.retention_days";
    assert_eq!(
        row(&show(&file, Some("30")), panel),
        [panel, "30", "default"]
    );
    std::fs::write(
        dir.path().join("a.toml"),
        "version = 1\n[retention]\nmonths = 3\n",
    )
    .unwrap();
    let wrong = show(&file, Some("30"));
    assert!(
        wrong.err.contains("a.toml:3: retention.months"),
        "{wrong:?}"
    );
}

#[test]
fn a_preset_of_ones_own_is_read_beside_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let panel = "version = 1\n[[panel]]\nname = \"a\"\nupstream = \"http://127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"\npreset = \"mine.toml\"\n";
    std::fs::write(dir.path().join("c.toml"), panel).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml").display().to_string();
    let check = || config(elsewhere.path(), &["check", "--config", &file]).run();
    assert!(
        check().err.contains("mine.toml cannot be read"),
        "{:?}",
        check()
    );
    std::fs::write(
        dir.path().join("mine.toml"),
        "extends = \"generic\"\nabout = \"Mine\"\n",
    )
    .unwrap();
    assert_eq!(check().code, 0, "{:?}", check());
    std::fs::write(
        dir.path().join("mine.toml"),
        "extends = \"generic\"\nsign_inn = 1\n",
    )
    .unwrap();
    let said = check();
    assert!(
        said.code == 2 && said.err.contains("mine.toml") && said.err.contains("sign_inn"),
        "{said:?}"
    );
}

#[test]
fn help_is_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let commands: &[&[&str]] = &[
        &[],
        &["serve"],
        &["demo"],
        &["account", "add"],
        &["token", "create"],
        &["query"],
        &["tail"],
        &["import"],
        &["export"],
        &["erase"],
        &["erase", "approve"],
        &["alerts", "test"],
        &["config", "show"],
        &["healthcheck"],
    ];
    let mut all = String::new();
    for command in commands {
        let said = admintrail(&[command, &["--help"][..]].concat())
            .dir(dir.path())
            .run();
        assert_eq!(said.code, 0, "{said:?}");
        all.push_str(&format!(
            "$ admintrail {}\n{}\n",
            [command, &["--help"][..]].concat().join(" "),
            said.out
        ));
    }
    insta::assert_snapshot!("help", all);
}

#[test]
fn the_readme_shows_a_configuration_that_is_good() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md"))
            .unwrap();
    let shown = readme
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("admintrail.toml"), shown).unwrap();
    let said = config(dir.path(), &["check", "--config", "admintrail.toml"]).run();
    assert!(said.code == 0 && said.err.contains("1 panel"), "{said:?}");
}

/// What somebody copies out of the README is read without a mistake, and the defaults are such.
#[test]
fn the_readme_shows_settings_that_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks: Vec<&str> = readme
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(
        blocks.len(),
        6,
        "the file, what else a panel may say, an identity provider, who is told, anchors, how long"
    );
    // Files of the reader's machine are not here.
    let more: Vec<&str> = blocks[1]
        .lines()
        .filter(|line| !line.contains("/etc/ssl/"))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let show = |text: String| -> Vec<(String, String)> {
        std::fs::write(dir.path().join("a.toml"), text).unwrap();
        let said = config(dir.path(), &["show", "--json", "--config", "a.toml"]).run();
        let rows: serde_json::Value = serde_json::from_str(&said.ok()).unwrap();
        let word = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = rows.as_array().unwrap().iter();
        let mut rows: Vec<_> = rows
            .map(|row| (word(row, "key"), word(row, "value")))
            .filter(|(key, _)| !key.contains("identity_header"))
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(
        show(format!("{}{}\n", blocks[0], more.join("\n"))),
        show(blocks[0].to_owned())
    );
    let with_provider = show(format!("{}{}", blocks[0], blocks[2]));
    assert!(
        with_provider
            .iter()
            .any(|(key, _)| key.ends_with("jwt.audience")),
        "{with_provider:?}"
    );
    let with_alerts = show(format!("{}{}", blocks[0], blocks[3]));
    for key in ["alerts.webhook", "alerts.email.smtp"] {
        assert!(with_alerts.iter().any(|(one, _)| one == key), "{key}");
    }
    // They need the mail server of the alerts.
    let with_anchors = show(format!("{}{}{}", blocks[0], blocks[3], blocks[4]));
    for (key, value) in [
        ("ledger.anchor_webhook", "https://anchors.example.org/…"),
        ("ledger.anchor_email", "[\"security@example.org\"]"),
        ("ledger.anchor_every_minutes", "60"),
    ] {
        let row = (key.to_owned(), value.to_owned());
        assert!(with_anchors.contains(&row), "{key}: {with_anchors:?}");
    }
    let with_retention = show(format!("{}{}", blocks[0], blocks[5]));
    assert_eq!(with_retention, show(blocks[0].to_owned()));
    for variable in [
        "CONFIG",
        "RETENTION_DAYS",
        "DATA",
        "LISTEN",
        "RECORDER",
        "LOG_FORMAT",
        "TRUSTED_PROXIES",
        "TLS_CERT",
        "TLS_KEY",
        "PANEL",
        "LOG",
    ] {
        assert!(
            readme.contains(&format!("`ADMINTRAIL_{variable}`")),
            "{variable}"
        );
    }
}

#[test]
fn the_published_ledger_is_for_everybody_only_where_the_file_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let show = |file: &str| {
        std::fs::write(dir.path().join("c.toml"), format!("version = 1\n{file}")).unwrap();
        config(dir.path(), &["show", "--config", "c.toml"]).run()
    };
    let key = "ledger.public";
    assert_eq!(row(&show(""), key), [key, "false", "default"]);
    let said = show("[ledger]\npublic = true\n");
    assert_eq!(row(&said, key), [key, "true", "c.toml:3"]);
    let wrong = show("[ledger]\npublic = \"yes\"\n");
    let told = "ledger.public: is a text; write true or false, without quotes";
    assert!(wrong.code == 2 && wrong.err.contains(told), "{wrong:?}");
    let wrong = show("[ledger]\npublik = true\n");
    assert!(wrong.code == 2 && wrong.err.contains("publik"), "{wrong:?}");
}
