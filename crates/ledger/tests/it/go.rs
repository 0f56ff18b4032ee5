//! The same ledger by Go's `sumdb/note` and `sumdb/tlog`, which the formats come from.

use std::path::Path;
use std::process::{Command, Stdio};

use admintrail_ledger::{
    Checkpoint, ConsistencyProof, Hash, InclusionProof, SigningKey, TileId, TileLevel, TileReader,
    TileSink, TileSource, TileWriter,
};
use serde_json::{Value, json};

use crate::peers::secret;

/// Where Debian's `golang-golang-x-mod-dev` puts its sources.
const GOPATH: &str = "/usr/share/gocode";

const SEED: [u8; 32] = [0x5a; 32];

/// A folder of files.
struct Folder<'a>(&'a Path);

impl TileSource for Folder<'_> {
    fn read(&self, tile: &TileId) -> std::io::Result<Option<Vec<u8>>> {
        std::fs::read(self.0.join(tile.to_string())).map(Some)
    }
}

impl TileSink for Folder<'_> {
    fn write(&mut self, tile: &TileId, bytes: &[u8]) -> std::io::Result<()> {
        let path = self.0.join(tile.to_string());
        std::fs::create_dir_all(path.parent().unwrap())?;
        std::fs::write(path, bytes)
    }
}

fn base64(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| hash.to_base64()).collect()
}

/// Writes a ledger of so many entries, with proofs of all kinds in it.
fn write_case(dir: &Path, size: u64) {
    let mut writer = TileWriter::new();
    for number in 0..size {
        // Of every length, the empty one too.
        let entry = number.to_be_bytes().repeat(3);
        let length = usize::try_from(number % 25).unwrap();
        writer.append(&entry[..length]).unwrap();
    }
    writer.write_to(&mut Folder(dir)).unwrap();
    let head = writer.head();
    let mut reader = TileReader::new(Folder(dir), head);
    let some = || (0..size).step_by(usize::try_from(size / 60 + 1).unwrap());
    let inclusion: Vec<Value> = some()
        .chain([size - 1])
        .map(|at| {
            let (_, InclusionProof { index, path, .. }) = reader.inclusion(at).unwrap();
            json!({"index": index, "path": base64(&path)})
        })
        .collect();
    let consistency: Vec<Value> = some()
        .skip(1)
        .chain([size])
        .map(|at| {
            let (head, ConsistencyProof { old, path, .. }) = reader.consistency(at).unwrap();
            json!({"old": old, "root": head.root.to_base64(), "path": base64(&path)})
        })
        .collect();
    let key = SigningKey::new("ledger.example.org/billing", &SEED).unwrap();
    let checkpoint = Checkpoint::new(key.name(), head).sign(&key).unwrap();
    std::fs::write(dir.join("checkpoint"), checkpoint).unwrap();
    let case = json!({
        "public_key": key.public().to_string(),
        "private_key": secret(key.name(), &key, &SEED),
        "size": size,
        "inclusion": inclusion,
        "consistency": consistency,
        "paths": paths(),
    });
    std::fs::write(dir.join("case.json"), case.to_string()).unwrap();
}

fn paths() -> Vec<Value> {
    let mut all = Vec::new();
    for (level, index, width) in [
        (0, 0, 256),
        (1, 999, 255),
        (2, 1_000, 1),
        (3, 1_234_067, 112),
        (63, 999_999_999, 256),
        (7, i64::MAX.unsigned_abs(), 17),
    ] {
        let tile = TileId::new(TileLevel::Hashes(level), index, width).unwrap();
        let path = tile.to_string();
        all.push(json!({"level": level, "index": index, "width": width, "path": path}));
    }
    all
}

/// A Go that finds its `sumdb`. `None` where there is none, which a complete test run does not accept.
fn go() -> Option<Command> {
    let sources = Path::new(GOPATH).join("src/golang.org/x/mod/sumdb/note");
    let version = Command::new("go")
        .arg("version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if sources.is_dir() && version.is_ok_and(|status| status.success()) {
        let mut go = Command::new("go");
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache");
        go.env("GOPATH", GOPATH)
            .env("GO111MODULE", "off")
            .env("GOFLAGS", "")
            .env("GOCACHE", cache);
        return Some(go);
    }
    let complete = ["CI", "ADMINTRAIL_TEST_ALL"].map(std::env::var_os);
    assert!(
        complete.iter().all(Option::is_none),
        "no Go with golang-golang-x-mod-dev, so nothing is held against it"
    );
    eprintln!("SKIPPED: no Go with golang-golang-x-mod-dev; cargo xtask test installs it");
    None
}

#[test]
fn go_makes_the_same_notes_tiles_and_proofs() {
    let Some(mut go) = go() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let sizes = [1, 2, 3, 255, 256, 257, 1_000, 70_000];
    for size in sizes {
        let case = dir.path().join(size.to_string());
        std::fs::create_dir(&case).unwrap();
        write_case(&case, size);
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/main.go");
    let out = go.arg("run").arg(program).arg(dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    let wrong = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{wrong}");
    assert!(said.starts_with("8 cases, "), "{said}{wrong}");
    println!("{said}");
}
