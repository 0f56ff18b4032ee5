//! Events move from hot into segments: nothing is lost, nothing doubled, nothing shows it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use admintrail_event::{Draft, EventId, FirstSet, Micros, Seq};
use admintrail_store::{
    Cursor, PageRequest, Receipt, Relation, Retention, Steps, StoreError, Submission, Total, Trail,
    TrailOptions, View,
};

use crate::support::{NOON, by, draft, first_page, small_segments, view};

pub(crate) const DAY: i64 = 86_400 * Micros::SECOND;

/// A folder whose trail seals a few dozen events at a time.
pub(crate) struct Small {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) seal: usize,
}

impl Small {
    pub(crate) fn new(seal: usize) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            now: Arc::new(AtomicI64::new(NOON + DAY)),
            seal,
        }
    }

    fn options(&self) -> TrailOptions {
        small_segments(self.dir.path(), &self.now, self.seal)
    }

    pub(crate) fn open(&self) -> Trail {
        Trail::open(self.options()).unwrap()
    }

    /// Appends, two seconds after what came before: in a block of its own.
    pub(crate) fn append(
        &self,
        trail: &Trail,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Vec<Receipt> {
        self.now.fetch_add(2 * Micros::SECOND, Ordering::Relaxed);
        trail
            .append_blocking(drafts.into_iter().map(Submission::new).collect())
            .unwrap()
    }

    pub(crate) fn segments(&self) -> Vec<String> {
        segments(self.dir.path())
    }
}

fn segments(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("segments")).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn ids(trail: &Trail) -> Vec<EventId> {
    let chunks = trail.scan(&View::default());
    chunks
        .flat_map(Result::unwrap)
        .map(|event| event.draft.id)
        .collect()
}

pub(crate) fn drafts(numbers: std::ops::Range<u64>) -> impl Iterator<Item = Draft> {
    numbers.map(|n| by(["olena", "tom", "mia"][n as usize % 3], draft(n)))
}

/// As a crash would leave it: what was written, without what is only in memory.
pub(crate) fn image(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            image(&entry.path(), &target);
        } else if entry.file_name() != "lock" {
            // A file may be renamed or removed at this moment.
            let _ = fs::copy(entry.path(), target);
        }
    }
}

/// Options that take an image of the folder at every step.
pub(crate) fn with_images(small: &Small, images: &Path) -> (TrailOptions, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let (dir, images, count) = (
        small.dir.path().to_owned(),
        images.to_owned(),
        Arc::clone(&taken),
    );
    let mut options = small.options();
    options.steps = Steps::told_to(move |step| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        image(&dir, &images.join(format!("{n:03} {step}")));
    });
    (options, taken)
}

pub(crate) fn images(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    all.sort();
    all
}

#[test]
fn a_crash_at_any_step_of_a_seal_loses_and_doubles_nothing() {
    let small = Small::new(40);
    let trail = small.open();
    for at in 0..6 {
        small.append(&trail, drafts(at * 20..at * 20 + 20));
    }
    trail.close();
    let shots = tempfile::tempdir().unwrap();
    let (options, taken) = with_images(&small, shots.path());
    let trail = Trail::open(options).unwrap();
    trail.seal().unwrap();
    small.append(&trail, drafts(120..140));
    trail.upkeep().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    trail.close();
    assert!(taken.load(Ordering::Relaxed) >= 3 * 8, "{taken:?}");
    let wanted: Vec<EventId> = drafts(0..120).map(|draft| draft.id).collect();
    for shot in images(shots.path()) {
        let name = shot.file_name().unwrap().to_string_lossy().into_owned();
        let trail = Trail::open(small_segments(&shot, &small.now, small.seal)).unwrap();
        let found = ids(&trail);
        assert_eq!(found[..120.min(found.len())], wanted, "{name}");
        assert_eq!(found.len() as u64, trail.state().events, "{name}");
        // Whoever got no answer sends again.
        let again = small.append(&trail, drafts(0..120));
        assert!(
            again.iter().all(|r| matches!(r, Receipt::Duplicate(_))),
            "{name}: {again:?}"
        );
        trail.seal().unwrap();
        let found = ids(&trail);
        assert_eq!(found[..120], wanted, "{name}, sealed");
        let files = segments(&shot);
        assert!(
            files.iter().all(|file| !file.ends_with("tmp")),
            "{name}: {files:?}"
        );
        assert_eq!(
            files.len() as u64,
            2 * trail.state().archive.segments,
            "{name}: {files:?}"
        );
        trail.close();
    }
}

#[test]
fn a_crash_at_any_step_of_retention_or_compaction_leaves_all_or_exactly_what_is_to_stay() {
    let small = Small::new(1_000);
    let trail = small.open();
    for at in 0..6 {
        small.append(&trail, drafts(at * 10..at * 10 + 10));
        let mut other = by("olena", draft(1_000 + at));
        other.panel = "shop".parse().unwrap();
        small.append(&trail, [other]);
        trail.seal().unwrap();
    }
    assert_eq!(small.segments().len(), 12);
    trail.close();
    let shots = tempfile::tempdir().unwrap();
    let (options, _) = with_images(&small, shots.path());
    let trail = Trail::open(options).unwrap();
    small.now.fetch_add(20 * DAY, Ordering::Relaxed);
    small.append(&trail, drafts(100..110));
    let policy = Retention {
        days: 400,
        panels: [("shop".parse().unwrap(), 10)].into(),
    };
    trail.set_retention(policy.clone());
    trail.upkeep().unwrap();
    // Twenty days are no leap for a clock that ran meanwhile.
    let stay: BTreeSet<EventId> = drafts(0..60)
        .chain(drafts(100..110))
        .map(|d| d.id)
        .collect();
    assert_eq!(ids(&trail).into_iter().collect::<BTreeSet<_>>(), stay);
    assert_eq!(trail.retention().dropped, 6);
    assert_eq!(trail.state().archive.segments, 1, "small ones are joined");
    trail.close();
    for shot in images(shots.path()) {
        let name = shot.file_name().unwrap().to_string_lossy().into_owned();
        let trail = Trail::open(small_segments(&shot, &small.now, small.seal)).unwrap();
        let found = ids(&trail);
        let distinct: BTreeSet<EventId> = found.iter().copied().collect();
        assert_eq!(distinct.len(), found.len(), "{name}: doubled");
        assert!(distinct.is_superset(&stay), "{name}: lost");
        assert_eq!(found.len() as u64, trail.state().events, "{name}");
        trail.set_retention(policy.clone());
        trail.upkeep().unwrap();
        assert_eq!(
            ids(&trail).into_iter().collect::<BTreeSet<_>>(),
            stay,
            "{name}"
        );
        trail.close();
    }
}

#[test]
fn whole_segments_go_when_all_in_them_is_too_old_and_hot_ages_too() {
    let small = Small::new(40);
    let trail = small.open();
    small.append(&trail, drafts(0..50));
    trail.seal().unwrap();
    small.append(&trail, drafts(50..60));
    small.now.fetch_add(9 * DAY, Ordering::Relaxed);
    small.append(&trail, drafts(60..70));
    trail.set_retention(Retention {
        days: 5,
        ..Retention::default()
    });
    trail.upkeep().unwrap();
    let stay: Vec<EventId> = drafts(60..70).map(|draft| draft.id).collect();
    assert_eq!(ids(&trail), stay);
    assert_eq!((trail.state().events, trail.state().archive.hot), (10, 10));
    let state = trail.retention();
    assert_eq!((state.dropped, state.paused), (60, None));
    assert!(state.dropped_at.is_some() && state.looked.is_some());
    trail.close();
    let trail = small.open();
    assert_eq!((ids(&trail), trail.retention().dropped), (stay, 60));
}

#[test]
fn nothing_is_dropped_while_the_clock_leaps_until_somebody_says_that_it_is_right() {
    let small = Small::new(40);
    let trail = small.open();
    small.append(&trail, drafts(0..50));
    trail.seal().unwrap();
    trail.upkeep().unwrap();
    let before = small.now.load(Ordering::Relaxed);
    for (leap, ahead) in [(3_650 * DAY, true), (DAY / 2, false)] {
        small.now.store(before + leap, Ordering::Relaxed);
        trail.upkeep().unwrap();
        assert_eq!(trail.retention().paused.is_some(), ahead, "{leap}");
        assert_eq!(ids(&trail).len(), 50);
    }
    small.now.store(before + 3_650 * DAY, Ordering::Relaxed);
    // A restart knows it, too: nobody was away for ten years.
    trail.close();
    let trail = small.open();
    trail.upkeep().unwrap();
    let paused = trail.retention().paused.unwrap();
    assert!(
        (3_649 * 86_400..3_651 * 86_400).contains(&paused.ahead_s),
        "{paused:?}"
    );
    assert_eq!(ids(&trail).len(), 50);
    // What is accepted meanwhile does not make the wrong clock right.
    small.append(&trail, drafts(50..51));
    trail.upkeep().unwrap();
    assert!(trail.retention().paused.is_some());
    trail.resume_retention().unwrap();
    assert_eq!(trail.retention().paused, None);
    assert_eq!(
        ids(&trail).len(),
        1,
        "what is too old by the clock is gone now"
    );
}

#[test]
fn a_cursor_and_a_resumed_tail_stay_valid_across_a_seal() {
    let small = Small::new(40);
    let trail = small.open();
    for at in 0..5 {
        small.append(&trail, drafts(at * 20..at * 20 + 20));
    }
    let page = trail.page(&view(""), &first_page(30)).unwrap();
    let resume = admintrail_store::Position {
        time: page.events[0].draft.time,
        log: trail.state().log,
        seq: admintrail_event::Seq(10),
    };
    let cursor = page.older.unwrap().to_string();
    trail.seal().unwrap();
    small.append(&trail, drafts(100..105));
    let request = PageRequest {
        cursor: Some(Cursor::parse(&cursor).unwrap()),
        ..first_page(30)
    };
    let older = trail.page(&view(""), &request).unwrap();
    let paths: Vec<&str> = older.events.iter().map(|e| e.draft.path.as_str()).collect();
    assert_eq!(paths.first(), Some(&"/client/69"));
    assert_eq!(older.before, Some(35));
    let mut tail = trail.tail(Some(resume));
    let mut seen = Vec::new();
    while tail.behind() > 0 {
        seen.extend(tail.read(&view(""), 7).into_iter().map(|event| event.seq.0));
    }
    assert_eq!(seen, (11..=105).collect::<Vec<u64>>());
}

#[test]
fn ids_and_firsts_are_remembered_of_what_is_sealed() {
    let small = Small::new(40);
    let trail = small.open();
    for at in 0..5 {
        small.append(&trail, drafts(at * 20..at * 20 + 20));
    }
    trail.seal().unwrap();
    let mut changed = by("olena", draft(3));
    changed.path = "/other".to_owned();
    let ask = |trail: &Trail| {
        let again = small.append(trail, drafts(5..45));
        assert!(
            again.iter().all(|r| matches!(r, Receipt::Duplicate(_))),
            "{again:?}"
        );
        let other = small.append(trail, [changed.clone()]);
        assert!(matches!(other[..], [Receipt::Conflict(_)]), "{other:?}");
    };
    ask(&trail);
    trail.close();
    // Nothing of hot is left to derive it from.
    let trail = small.open();
    ask(&trail);
    small.append(&trail, [by("olena", draft(200)), by("nina", draft(201))]);
    let page = trail.page(&view(""), &first_page(2)).unwrap();
    let firsts: Vec<FirstSet> = page.events.iter().map(|event| event.first).collect();
    assert_eq!(firsts[1], FirstSet::default(), "olena did all that before");
    assert_ne!(firsts[0], FirstSet::default());
    assert!(trail.knows_admin("tom"));
    trail.close();
    // Without the snapshot everything is derived again.
    fs::remove_file(small.dir.path().join("derived.snapshot")).unwrap();
    let trail = small.open();
    small.append(&trail, [by("mia", draft(300))]);
    let page = trail.page(&view(""), &first_page(1)).unwrap();
    assert_eq!(page.events[0].first, FirstSet::default());
}

#[test]
fn a_damaged_segment_is_named_the_rest_answers_and_it_comes_back_when_it_is_whole() {
    let small = Small::new(20);
    let trail = small.open();
    for at in 0..4 {
        small.append(&trail, drafts(at * 20..at * 20 + 20));
        trail.seal().unwrap();
    }
    let file = small.dir.path().join("segments/21-40.0.parquet");
    let whole = fs::read(&file).unwrap();
    trail.close();
    for at in [whole.len() / 3, whole.len() / 2, whole.len() - 20] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&file, &bytes).unwrap();
        let trail = small.open();
        // Somebody reads it, or the look at all bytes comes by.
        let seen = trail
            .page(&view("path:/client/"), &first_page(100))
            .unwrap();
        let damaged = trail.state().archive.damaged;
        assert_eq!(damaged.len(), 1, "byte {at}: {damaged:?}");
        assert_eq!(damaged[0].0, "21-40.0.parquet");
        assert_eq!((seen.events.len(), seen.total.value), (60, 60), "byte {at}");
        assert_eq!(trail.count(&view("method:GET")).unwrap().value, 60);
        let told = |relation| Total {
            value: 60,
            relation,
        };
        assert_eq!(seen.total, told(Relation::AtLeast));
        assert_eq!(trail.missing(&view("")), 20);
        // Whether one of its ids is new cannot be said now; that of others can.
        let sent =
            |from, to| trail.append_blocking(drafts(from..to).map(Submission::new).collect());
        let error = sent(25, 26);
        assert!(
            matches!(error, Err(StoreError::Undecided { .. })),
            "{error:?}"
        );
        assert_eq!(sent(45, 46).unwrap(), [Receipt::Duplicate(Seq(46))]);
        assert!(trail.state().failing.is_none());
        fs::write(&file, &whole).unwrap();
        trail.upkeep().unwrap();
        assert!(trail.state().archive.damaged.is_empty());
        assert_eq!(trail.count(&view("path:/client/")).unwrap().value, 80);
        trail.close();
    }
    // A file that is gone is noticed without being asked for.
    let trail = small.open();
    fs::remove_file(&file).unwrap();
    trail.upkeep().unwrap();
    assert_eq!(trail.state().archive.damaged.len(), 1);
    assert_eq!(ids(&trail).len(), 60);
    trail.close();
    let trail = small.open();
    assert_eq!(
        trail.state().archive.damaged.len(),
        1,
        "also after a restart"
    );
    assert_eq!(ids(&trail).len(), 60);
    fs::write(&file, &whole).unwrap();
    trail.upkeep().unwrap();
    assert_eq!(ids(&trail).len(), 80);
    trail.close();
    // A summary can be made anew.
    let summary = small.dir.path().join("segments/41-60.0.summary");
    fs::write(&summary, b"ADMTSUM1 nothing of that kind").unwrap();
    // Not by whoever only reads.
    let reader = Trail::open_read_only(small.options()).unwrap();
    assert_eq!(reader.state().archive.damaged.len(), 1);
    assert!(fs::read(&summary).unwrap().ends_with(b"of that kind"));
    let trail = small.open();
    assert!(trail.state().archive.damaged.is_empty());
    assert_eq!(
        trail.count(&view("method:GET admin:tom")).unwrap().value,
        27
    );
}

#[test]
fn readers_see_every_event_once_while_segments_come_and_go() {
    let small = Small::new(200);
    let trail = small.open();
    let stop = AtomicBool::new(false);
    let accepted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let least = accepted.load(Ordering::Acquire) as u64;
                    let page = trail.page(&view("type:web"), &first_page(50)).unwrap();
                    assert!(page.total.value >= least);
                    let sequence: Vec<u64> = page.events.iter().map(|e| e.seq.0).collect();
                    assert!(
                        sequence.windows(2).all(|w| w[0] == w[1] + 1),
                        "{sequence:?}"
                    );
                    let all = ids(&trail);
                    let distinct: BTreeSet<EventId> = all.iter().copied().collect();
                    assert!(all.len() as u64 >= least && distinct.len() == all.len());
                    let sessions = trail.sessions(&view(""), 0, 10).unwrap();
                    let requests: u64 = sessions.sessions.iter().map(|row| row.requests).sum();
                    assert!(requests >= least, "{requests} of {least}");
                }
            });
        }
        for at in 0..40 {
            small.append(&trail, drafts(at * 50..at * 50 + 50));
            accepted.fetch_add(50, Ordering::Release);
            if at % 4 == 3 {
                trail.seal().unwrap();
            }
        }
        trail.upkeep().unwrap();
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(ids(&trail).len(), 2_000);
}

#[test]
fn a_reader_beside_a_server_sees_hot_and_archive() {
    let small = Small::new(40);
    let trail = small.open();
    small.append(&trail, drafts(0..50));
    trail.seal().unwrap();
    small.append(&trail, drafts(50..60));
    let reader = Trail::open_read_only(small.options()).unwrap();
    assert_eq!(ids(&reader).len(), 60);
    assert_eq!(reader.count(&view("admin:olena")).unwrap().value, 20);
    assert_eq!(reader.state().events, 60);
}

#[test]
fn a_question_whose_time_is_over_says_how_far_it_came_and_gets_on_when_asked_again() {
    let small = Small::new(60);
    let trail = small.open();
    for at in 0..30 {
        small.append(&trail, drafts(at * 20..at * 20 + 20));
    }
    trail.seal().unwrap();
    trail.close();
    let mut options = small.options();
    options.tuning.budget = std::time::Duration::ZERO;
    let trail = Trail::open(options).unwrap();
    let wanted = View {
        filter: admintrail_event::Filter::parse("path:/client/7 duration:<1s").unwrap(),
        ..View::default()
    };
    let exact =
        drafts(0..600).filter(|d| d.path.contains("/client/7") && d.duration_us < Some(1_000_000));
    let exact = exact.count() as u64;
    for round in 0.. {
        let page = trail.page(&wanted, &first_page(500)).unwrap();
        let Some(searched) = page.searched else {
            assert_eq!((page.total.value, page.events.len() as u64), (exact, exact));
            assert!(round > 1, "it was never unfinished");
            break;
        };
        assert!(round < 100, "it never ends");
        assert!(page.total.value <= exact && searched.events <= searched.of);
        assert!(page.events.is_sorted_by(|a, b| a.order() > b.order()));
    }
}

#[test]
fn what_cannot_be_joined_is_told_until_it_can() {
    let small = Small::new(1_000);
    let trail = small.open();
    for at in 0..4 {
        small.append(&trail, drafts(at * 10..at * 10 + 10));
        trail.seal().unwrap();
    }
    // A folder is in the way of the file.
    let in_the_way = small.dir.path().join("segments/1-40.1.parquet.tmp");
    fs::create_dir(&in_the_way).unwrap();
    let until = |wanted: bool| {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while trail.state().archive.failing.is_some() != wanted {
            assert!(std::time::Instant::now() < end, "failing is never {wanted}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    until(true);
    small.append(&trail, drafts(40..50));
    assert_eq!(ids(&trail).len(), 50, "everything else goes on");
    fs::remove_dir(&in_the_way).unwrap();
    until(false);
    assert_eq!(trail.state().archive.segments, 1);
}

#[test]
fn whoever_did_something_is_found_by_the_first_question_after_a_start() {
    let small = Small::new(24);
    let trail = small.open();
    for block in 0..6 {
        small.append(&trail, drafts(block * 9..block * 9 + 9));
    }
    trail.seal().unwrap();
    trail.close();
    // Each is the first that is asked.
    for words in ["admin:olena", "-admin:tom,mia", "admin:olena path:/client/"] {
        let trail = small.open();
        let found = trail.scan(&view(words)).flat_map(Result::unwrap).count();
        assert_eq!(found, 18, "{words}");
        trail.close();
        let trail = small.open();
        assert_eq!(trail.count(&view(words)).unwrap().value, 18, "{words}");
        trail.close();
    }
}
