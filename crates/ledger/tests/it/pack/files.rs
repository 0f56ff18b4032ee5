//! Packs as files by name.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;

use super::sample::{Sample, add};

/// The files of a pack by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn unzipped(pack: &[u8]) -> Files {
    let mut zip = zip::ZipArchive::new(Cursor::new(pack)).unwrap();
    let mut files = Files::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    files
}

pub(crate) fn zipped(files: &Files) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The line of one event, out of a pack of its own.
pub(crate) fn row_of(sample: &Sample, seq: u64) -> String {
    let mut pack = sample.begin(Cursor::new(Vec::new())).unwrap();
    let found = sample.events.iter().find(|(event, _)| event.seq.0 == seq);
    let (event, proof) = found.unwrap();
    add(&mut pack, event, proof).unwrap();
    let pack = pack.finish().unwrap().into_inner();
    String::from_utf8(unzipped(&pack)["events.ndjson"].clone()).unwrap()
}
