//! A real mail server (aiosmtpd) as a child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::until;

/// Who may send where a certificate is given.
pub(crate) const USER: &str = "alerts@example.org";
/// And the password.
pub(crate) const PASSWORD: &str = "canary p@ss/word";

/// A mail server; ends when dropped.
pub(crate) struct Smtp {
    child: Child,
    pub(crate) port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl Smtp {
    /// Starts one; with a folder of `cert.pem` and `key.pem`, one that speaks TLS and wants to know
    /// who sends. `None` where Python is not set up, which a complete test run does not accept.
    pub(crate) fn start(tls: Option<&Path>) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("../../e2e/.venv/bin/python");
        let ready = Command::new(&python)
            .args(["-c", "import aiosmtpd.smtp"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !ready {
            let complete = ["CI", "ADMINTRAIL_TEST_ALL"].map(std::env::var_os);
            assert!(
                complete.iter().all(Option::is_none),
                "no aiosmtpd in e2e/.venv, so nothing is tested"
            );
            eprintln!("SKIPPED: no aiosmtpd in e2e/.venv; cargo xtask test sets it up");
            return None;
        }
        let mut command = Command::new(&python);
        command.arg(root.join("tests/it/stage/smtp.py"));
        if let Some(dir) = tls {
            command.args([dir.join("cert.pem"), dir.join("key.pem")]);
        }
        let mut child = command
            .env("SMTP_USER", USER)
            .env("SMTP_PASSWORD", PASSWORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let mails: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        Some(Self { child, port, mails })
    }

    /// Every mail, once there are so many: whoever sent it may know sooner than we do.
    pub(crate) async fn mails_when(&self, count: usize) -> Vec<Value> {
        until("the mail server says what it got", || async {
            let mails = self.mails();
            (mails.len() >= count).then_some(mails)
        })
        .await
    }

    /// Every mail so far.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.mails.lock().unwrap().clone()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
