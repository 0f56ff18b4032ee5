//! Writes a proof pack, and one for each way to tamper with it, for tests of the page in it.
//!
//! `cargo run -p admintrail-ledger --example proof_pack FOLDER`
//!
//! `FOLDER/good.zip` is a good one, `FOLDER/good/` the same unpacked, `FOLDER/kept` a checkpoint that an anchor of it keeps,
//! `FOLDER/other.key` the key of somebody else and `FOLDER/other.zip` a good pack that he made,
//! `FOLDER/cases.json` a list of `{"name","file","finds"}` of those that were tampered with.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test helper did not expect is the failure of the test"
)]

use std::path::PathBuf;

use serde_json::json;

#[path = "../tests/it/pack/files.rs"]
mod files;
#[path = "../tests/it/pack/sample.rs"]
mod sample;
#[path = "../tests/it/pack/tampered.rs"]
mod tampered;

use files::{row_of, unzipped, zipped};
use sample::{LEFT_OUT, SEED, sample};
use tampered::{Foreign, cases};

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let good = sample(&SEED).unwrap();
    let other = sample(&[10; 32]).unwrap();
    let pack = good.pack().unwrap();
    let other_key = other.key.public().to_string();
    write("good.zip", &pack);
    write("kept", good.kept.as_bytes());
    write("other.key", other_key.as_bytes());
    write("other.zip", &other.pack().unwrap());
    let files = unzipped(&pack);
    std::fs::create_dir_all(folder.join("good")).unwrap();
    for (name, bytes) in &files {
        write(&format!("good/{name}"), bytes);
    }
    let foreign = Foreign {
        key: &other_key,
        unlisted: &row_of(&good, LEFT_OUT[0]),
        early: &good.early,
    };
    let mut list = Vec::new();
    for (number, case) in cases(&files, &foreign).into_iter().enumerate() {
        let file = format!("tampered-{number}.zip");
        write(&file, &zipped(&case.files));
        list.push(json!({"name": case.name, "file": file, "finds": case.finds}));
    }
    write("cases.json", json!(list).to_string().as_bytes());
}
