use std::sync::atomic::{AtomicU64, Ordering};

use admintrail_event::{Ending, Ip, Kind, KnownBy, Micros, Outcome, RequestType, SessionHash};
use proptest::prelude::*;

use super::faulty::{Faults, FaultyDisk};
use super::*;

fn clock() -> crate::health::Clock {
    let ticks = AtomicU64::new(0);
    Arc::new(move || Micros(1_795_000_000_000_000 + ticks.fetch_add(1, Ordering::Relaxed) as i64))
}

fn health() -> Arc<Health> {
    Arc::new(Health::new(clock()))
}

fn opening(n: u64) -> Draft {
    let time = Micros(1_795_000_000_000_000_i64.wrapping_add(n as i64));
    let mut random = [0; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    Draft {
        admin: Some(format!("admin{n}")),
        action: "Viewed clients".to_owned(),
        ..Draft::request(
            EventId::new(time, random),
            time,
            "billing".parse().unwrap(),
            "GET",
            "/c",
        )
    }
}

fn start(folder: &Path) -> (Journal, Vec<Draft>) {
    Journal::start(folder, Arc::new(RealDisk), health()).unwrap()
}

/// Writes an opening as a request does that comes alone.
fn open(journal: &Journal, draft: &Draft) -> Result<(), NotWritten> {
    let gathered = journal.gather(draft)?;
    journal.write_gathered(&gathered)
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path());
    let mut logs: Vec<_> = entries
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .collect();
    logs.sort();
    logs
}

async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_secs(20), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("the condition came true in time");
}

fn start_faulty(folder: &Path) -> (Journal, Arc<Faults>, Arc<Health>) {
    let (faults, health) = (Arc::new(Faults::default()), health());
    let disk = Arc::new(FaultyDisk(Arc::clone(&faults)));
    let (journal, _) = Journal::start(folder, disk, Arc::clone(&health)).unwrap();
    (journal, faults, health)
}

#[test]
fn what_was_not_released_comes_back_in_order_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, found) = start(folder.path());
    assert!(found.is_empty());
    for n in 0..10 {
        open(&journal, &opening(n)).unwrap();
    }
    journal.release(&[opening(3).id, opening(7).id]);
    drop(journal);
    let (journal, found) = start(folder.path());
    let left: Vec<_> = [0, 1, 2, 4, 5, 6, 8, 9].map(opening).to_vec();
    assert_eq!(found, left);
    journal.release(&left.iter().map(|draft| draft.id).collect::<Vec<_>>());
    drop(journal);
    assert!(start(folder.path()).1.is_empty());
}

#[test]
fn an_opening_written_again_replaces_the_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    let gap = |count| Draft {
        kind: Kind::Gap,
        count: Some(count),
        ..opening(1)
    };
    open(&journal, &gap(1)).unwrap();
    open(&journal, &gap(2)).unwrap();
    drop(journal);
    assert_eq!(start(folder.path()).1, [gap(2)]);
}

#[test]
fn a_torn_tail_at_any_byte_loses_only_the_torn_record() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    let mut ends = Vec::new();
    for n in 0..4 {
        open(&journal, &opening(n)).unwrap();
        ends.push(
            std::fs::metadata(&segments(folder.path())[0])
                .unwrap()
                .len(),
        );
    }
    journal.release(&[opening(0).id]);
    let released = std::fs::metadata(&segments(folder.path())[0])
        .unwrap()
        .len();
    drop(journal);
    let whole = std::fs::read(&segments(folder.path())[0]).unwrap();
    for cut in 0..=whole.len() {
        let torn = tempfile::tempdir().unwrap();
        std::fs::write(torn.path().join(recovery::segment_name(1)), &whole[..cut]).unwrap();
        let found = recovery::read(torn.path()).unwrap().open;
        let written = ends.iter().filter(|end| **end <= cut as u64).count() as u64;
        let first = u64::from(cut as u64 >= released);
        assert_eq!(
            found,
            (first..written).map(opening).collect::<Vec<_>>(),
            "cut at {cut}"
        );
    }
    // And the same with garbage or zeros after the cut, as a file system may leave them.
    for (cut, filler) in (0..whole.len())
        .step_by(7)
        .zip([0_u8, 0xff].into_iter().cycle())
    {
        let torn = tempfile::tempdir().unwrap();
        let mut bytes = whole[..cut].to_vec();
        bytes.resize(cut + 300, filler);
        std::fs::write(torn.path().join(recovery::segment_name(1)), &bytes).unwrap();
        let found = recovery::read(torn.path()).unwrap().open;
        // The filler may happen to be what was cut off.
        let is_whole = |end: u64| bytes.starts_with(&whole[..end as usize]);
        let written = ends.iter().filter(|end| is_whole(**end)).count() as u64;
        let first = u64::from(is_whole(released));
        assert_eq!(
            found,
            (first..written).map(opening).collect::<Vec<_>>(),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_flipped_bit_loses_one_record_and_invents_none() {
    let mut whole = frame::MAGIC.to_vec();
    for n in 0..3 {
        record::opening(&opening(n), &mut whole);
    }
    let genuine: Vec<_> = (0..3).map(opening).collect();
    for bit in 0..whole.len() * 8 {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(folder.path().join(recovery::segment_name(1)), &bytes).unwrap();
        let found = recovery::read(folder.path());
        // The version has become that of another: the file is left alone.
        if let [b'A', b'T', b'J', b'R', b'N', b'L', version @ ..] = &bytes[..8]
            && version != b"01"
            && version.iter().all(u8::is_ascii_digit)
        {
            assert!(found.is_err(), "bit {bit}");
            continue;
        }
        let found = found.unwrap().open;
        assert!(
            found.iter().all(|draft| genuine.contains(draft)),
            "bit {bit}"
        );
        let magic = bit < frame::MAGIC.len() * 8;
        assert_eq!(found.len(), if magic { 3 } else { 2 }, "bit {bit}");
    }
}

/// After a downgrade: nothing is deleted that was not understood.
#[test]
fn what_another_version_wrote_stops_the_start_and_stays() {
    let mut unknown_record = frame::MAGIC.to_vec();
    record::opening(&opening(1), &mut unknown_record);
    let mark = frame::begin(&mut unknown_record);
    unknown_record.extend_from_slice(b"Nnew");
    frame::end(&mut unknown_record, mark);
    for bytes in [b"ATJRNL02anything".to_vec(), unknown_record] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(recovery::segment_name(1));
        std::fs::write(&path, &bytes).unwrap();
        let Err(error) = Journal::start(folder.path(), Arc::new(RealDisk), health()) else {
            panic!("it started");
        };
        assert!(error.to_string().contains("another version"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn what_is_kept_while_the_disk_refuses_is_there_when_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, faults, health) = start_faulty(folder.path());
    faults.write.store(usize::MAX, Ordering::SeqCst);
    journal.keep(&opening(1));
    journal.keep(&opening(2));
    journal.release(&[opening(2).id]);
    assert!(health.is_failing());
    faults.write.store(0, Ordering::SeqCst);
    let begun = std::time::Instant::now();
    while health.is_failing() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(journal);
    assert_eq!(start(folder.path()).1, [opening(1)]);
}

#[test]
fn a_second_process_on_the_same_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_journal, _) = start(folder.path());
    let second = Journal::start(folder.path(), Arc::new(RealDisk), health());
    assert!(
        second
            .err()
            .unwrap()
            .to_string()
            .contains("in use by another process")
    );
}

#[test]
fn only_the_owner_may_read_the_journal() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("journal");
    let (journal, _) = start(&inside);
    open(&journal, &opening(1)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inside), 0o700);
    assert_eq!(mode(&segments(&inside)[0]), 0o600);
}

#[test]
fn a_journal_closed_in_order_leaves_no_segment() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    open(&journal, &opening(1)).unwrap();
    journal.release(&[opening(1).id]);
    journal.close(true);
    assert!(segments(folder.path()).is_empty());
}

#[tokio::test]
async fn full_segments_go_and_what_is_open_is_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    journal.shared.state.lock().replace_above = 20_000;
    open(&journal, &opening(0)).unwrap();
    for n in 1..400 {
        open(&journal, &opening(n)).unwrap();
        journal.release(&[opening(n).id]);
        if n == 200 {
            until(|| segments(folder.path()).len() == 1).await;
            journal.shared.state.lock().replace_above = 20_000;
        }
    }
    let first = folder.path().join(recovery::segment_name(1));
    until(|| !first.exists() && segments(folder.path()).len() == 1).await;
    drop(journal);
    assert_eq!(start(folder.path()).1, [opening(0)]);
}

#[test]
fn a_renewed_journal_holds_what_is_open_and_nothing_that_was_released() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    open(&journal, &opening(1)).unwrap();
    open(&journal, &opening(2)).unwrap();
    journal.release(&[opening(1).id]);
    let names = |name: &str| {
        let bytes: Vec<u8> = segments(folder.path())
            .iter()
            .flat_map(|path| std::fs::read(path).unwrap())
            .collect();
        bytes
            .windows(name.len())
            .any(|part| part == name.as_bytes())
    };
    assert!(names("admin1"), "released, and still in the file");
    journal.renew().unwrap();
    assert!(!names("admin1"));
    assert!(names("admin2"));
    assert_eq!(segments(folder.path()).len(), 1);
    drop(journal);
    let (journal, open) = start(folder.path());
    assert_eq!(open.len(), 1);
    journal.close(false);
    assert!(journal.renew().is_err(), "nobody waits for ever");
}

#[test]
fn a_journal_that_cannot_be_renewed_says_so_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, faults, _) = start_faulty(folder.path());
    open(&journal, &opening(1)).unwrap();
    faults.create.store(1, Ordering::SeqCst);
    assert!(journal.renew().is_err());
    open(&journal, &opening(2)).unwrap();
    journal.renew().unwrap();
}

#[tokio::test]
async fn many_waiting_requests_share_one_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, faults, _) = start_faulty(folder.path());
    *faults.sync_takes.lock() = Duration::from_millis(50);
    let before = faults.syncs.load(Ordering::SeqCst);
    let waiting: Vec<_> = (0..200)
        .map(|n| journal.open_durable(&opening(n)).unwrap())
        .collect();
    for synced in waiting {
        assert_eq!(synced.await.unwrap(), Ok(()));
    }
    let syncs = faults.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs <= 3, "{syncs} syncs for 200 requests");
}

#[tokio::test]
async fn safe_requests_are_synced_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, faults, _) = start_faulty(folder.path());
    let before = faults.syncs.load(Ordering::SeqCst);
    open(&journal, &opening(1)).unwrap();
    until(|| faults.syncs.load(Ordering::SeqCst) > before).await;
    assert!(SYNC_WITHIN < Duration::from_millis(50));
}

#[tokio::test]
async fn a_failed_sync_is_never_tried_again_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, faults, health) = start_faulty(folder.path());
    open(&journal, &opening(1)).unwrap();
    faults.sync.store(1, Ordering::SeqCst);
    let synced = journal.open_durable(&opening(2)).unwrap();
    assert_eq!(synced.await.unwrap(), Err(NotWritten));
    until(|| !health.is_failing()).await;
    assert_eq!(faults.retried.load(Ordering::SeqCst), 0);
    // Both openings were taken over by the fresh file.
    journal
        .open_durable(&opening(3))
        .unwrap()
        .await
        .unwrap()
        .unwrap();
    drop(journal);
    assert_eq!(segments(folder.path()).len(), 1);
    assert_eq!(
        start(folder.path()).1,
        (1..4).map(opening).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_full_disk_is_said_and_recovered_from() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, faults, health) = start_faulty(folder.path());
    open(&journal, &opening(1)).unwrap();
    faults.write.store(usize::MAX, Ordering::SeqCst);
    assert!(journal.open_durable(&opening(2)).is_err());
    assert_eq!(health.failing().unwrap().1, "disk full");
    assert!(journal.open_durable(&opening(3)).is_err());
    faults.write.store(0, Ordering::SeqCst);
    until(|| !health.is_failing()).await;
    open(&journal, &opening(4)).unwrap();
    drop(journal);
    // What was refused never comes back; what was accepted does.
    assert_eq!(start(folder.path()).1, [opening(1), opening(4)]);
}

#[tokio::test]
async fn every_operation_failing_once_loses_no_accepted_opening() {
    for what in 0..3 {
        for nth in 1..8 {
            let folder = tempfile::tempdir().unwrap();
            let (journal, faults, health) = start_faulty(folder.path());
            let counter = [&faults.create, &faults.write, &faults.sync][what];
            counter.store(nth, Ordering::SeqCst);
            let mut accepted = Vec::new();
            for n in 0..12 {
                if n == 6 {
                    // Also while the segment is replaced.
                    journal.shared.state.lock().replace_above = 0;
                }
                let draft = opening(n);
                if let Ok(synced) = journal.open_durable(&draft)
                    && synced.await == Ok(Ok(()))
                {
                    accepted.push(draft);
                }
                until(|| !health.is_failing()).await;
            }
            drop(journal);
            let found = start(folder.path()).1;
            for draft in accepted {
                assert!(
                    found.contains(&draft),
                    "operation {what}, the {nth}th: {}",
                    draft.id
                );
            }
        }
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_keeps_what_was_open() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    open(&journal, &opening(1)).unwrap();
    drop(journal);
    let (faults, health) = (Arc::new(Faults::default()), health());
    faults.create.store(usize::MAX, Ordering::SeqCst);
    let disk = Arc::new(FaultyDisk(Arc::clone(&faults)));
    let (journal, found) = Journal::start(folder.path(), disk, Arc::clone(&health)).unwrap();
    assert_eq!(found, [opening(1)]);
    assert!(health.is_failing());
    drop(journal);
    assert_eq!(start(folder.path()).1, [opening(1)]);
}

#[test]
fn openings_gathered_together_are_written_by_whoever_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    let length = || {
        std::fs::metadata(&segments(folder.path())[0])
            .unwrap()
            .len()
    };
    let empty = length();
    let first = journal.gather(&opening(1)).unwrap();
    let second = journal.gather(&opening(2)).unwrap();
    assert_eq!(length(), empty, "nothing is written yet");
    assert_eq!(journal.write_gathered(&second), Ok(()));
    let written = length();
    assert!(written > empty);
    assert_eq!(journal.write_gathered(&first), Ok(()));
    assert_eq!(length(), written, "once");
    // One that must be durable takes what was gathered along, in order.
    let third = journal.gather(&opening(3)).unwrap();
    open(&journal, &opening(4)).unwrap();
    let written = length();
    assert_eq!(journal.write_gathered(&third), Ok(()));
    assert_eq!(length(), written);
    drop(journal);
    assert_eq!(start(folder.path()).1, [1, 2, 3, 4].map(opening));
}

#[test]
fn a_write_that_fails_fails_all_that_was_gathered_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, faults, health) = start_faulty(folder.path());
    faults.create.store(usize::MAX, Ordering::SeqCst);
    faults.write.store(1, Ordering::SeqCst);
    let gathered = [1, 2, 3].map(|n| journal.gather(&opening(n)).unwrap());
    for one in &gathered {
        assert_eq!(journal.write_gathered(one), Err(NotWritten));
    }
    assert!(health.is_failing());
    assert!(journal.gather(&opening(4)).is_err(), "there is no segment");
}

#[tokio::test]
async fn a_fresh_segment_takes_over_what_was_gathered() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = start(folder.path());
    open(&journal, &opening(1)).unwrap();
    let gathered = journal.gather(&opening(2)).unwrap();
    journal.shared.state.lock().replace_above = 0;
    let before = segments(folder.path());
    journal.shared.wake.notify_one();
    until(|| segments(folder.path()) != before).await;
    until(|| segments(folder.path()).len() == 1).await;
    let length = || {
        std::fs::metadata(&segments(folder.path())[0])
            .unwrap()
            .len()
    };
    let carried = length();
    assert_eq!(journal.write_gathered(&gathered), Ok(()));
    assert_eq!(length(), carried, "it is there already");
    drop(journal);
    assert_eq!(start(folder.path()).1, [1, 2].map(opening));
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,40}"
}

prop_compose! {
    fn drafts()(
        (n, time, epoch, seq) in any::<(u64, i64, u64, u64)>(),
        (ip, session) in any::<(Option<[u8; 16]>, Option<[u8; 16]>)>(),
        numbers in any::<[Option<u64>; 4]>(),
        (status, cuts) in any::<(Option<u16>, [Option<u32>; 3])>(),
        texts in prop::collection::vec(prop::option::of(text()), 10),
        (method, path, action, recorder) in (text(), text(), text(), text()),
        (asset, polling, codes) in any::<(bool, bool, [u8; 5])>(),
    ) -> Draft {
        let pick = |place: usize| texts[place].clone();
        Draft {
            kind: Kind::ALL[usize::from(codes[0]) % Kind::ALL.len()],
            known_by: KnownBy::ALL[usize::from(codes[1]) % KnownBy::ALL.len()],
            request_type: RequestType::ALL[usize::from(codes[2]) % RequestType::ALL.len()],
            outcome: Outcome::ALL[usize::from(codes[3]) % Outcome::ALL.len()],
            ending: Ending::ALL[usize::from(codes[4]) % Ending::ALL.len()],
            time: Micros(time),
            recorder, recorder_epoch: epoch, recorder_seq: seq,
            ip: ip.map(Ip), session: session.map(SessionHash),
            count: numbers[0], duration_us: numbers[1],
            request_bytes: numbers[2], response_bytes: numbers[3],
            status, path_bytes: cuts[0], query_bytes: cuts[1], agent_bytes: cuts[2],
            admin: pick(0), admin_name: pick(1), attempted: pick(2), acting_as: pick(3),
            user_agent: pick(4), scheme: pick(5), host: pick(6), query: pick(7),
            route: pick(8), object: pick(9), action, asset, polling,
            ..Draft::request(opening(n).id, Micros(time), "p".parse().unwrap(), &method, &path)
        }
    }
}

proptest! {
    #[test]
    fn every_draft_comes_back_as_it_was(draft in drafts()) {
        let mut bytes = Vec::new();
        draft_bytes::write(&draft, &mut bytes);
        prop_assert_eq!(draft_bytes::read(&bytes), Some(draft));
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = draft_bytes::read(&bytes);
        let _ = record::read(&bytes);
        let segment = [frame::MAGIC.as_slice(), &bytes].concat();
        let _ = frame::Frames::of(&segment).map(Iterator::count);
    }

    /// Whatever is opened and released, in whatever order, with crashes in between and cuts that
    /// spare what came before them: what comes back is what was open.
    #[test]
    fn recovery_is_exact(steps in prop::collection::vec((0_u64..12, 0_u8..10), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = start(folder.path());
        let mut left: Vec<u64> = Vec::new();
        for (n, step) in steps {
            match step {
                0..5 => {
                    open(&journal, &opening(n)).unwrap();
                    if !left.contains(&n) { left.push(n); }
                }
                5..9 => {
                    journal.release(&[opening(n).id]);
                    left.retain(|other| *other != n);
                }
                _ => {
                    drop(journal);
                    let found;
                    (journal, found) = start(folder.path());
                    let mut found: Vec<_> = found.iter().map(|d| d.time.0 as u64 - 1_795_000_000_000_000).collect();
                    found.sort_unstable();
                    left.sort_unstable();
                    prop_assert_eq!(&found, &left);
                }
            }
        }
    }
}
