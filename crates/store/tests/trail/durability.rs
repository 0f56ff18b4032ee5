use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use admintrail_event::Seq;
use admintrail_store::{Receipt, StoreError, Submission, Trail};

use crate::support::{Fixture, by, draft, first_page, options, view};

#[test]
fn an_event_sent_ten_times_is_accepted_once() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.append([draft(1)]), [Receipt::Accepted(Seq(1))]);
    for _ in 0..5 {
        assert_eq!(fixture.append([draft(1)]), [Receipt::Duplicate(Seq(1))]);
    }
    fixture.reopen();
    for _ in 0..5 {
        assert_eq!(fixture.append([draft(1)]), [Receipt::Duplicate(Seq(1))]);
    }
    assert_eq!(fixture.trail.count(&view("")).unwrap().value, 1);
}

#[test]
fn another_event_under_a_known_id_is_refused_and_the_rest_is_kept() {
    let fixture = Fixture::new();
    fixture.append([draft(1)]);
    let mut forged = draft(1);
    forged.path = "/elsewhere".to_owned();
    let receipts = fixture.append([forged, draft(2), draft(2), draft(0)]);
    assert_eq!(
        receipts,
        [
            Receipt::Conflict(Seq(1)),
            Receipt::Accepted(Seq(2)),
            Receipt::Duplicate(Seq(2)),
            Receipt::Accepted(Seq(3)),
        ]
    );
    assert_eq!(
        fixture.paths(&view("")),
        ["/client/2", "/client/1", "/client/0"]
    );
}

#[test]
fn what_was_sent_reads_back_field_by_field() {
    let mut fixture = Fixture::new();
    let sent: Vec<_> = (0..9_000).map(draft).collect();
    fixture.append(sent.clone());
    for _ in 0..2 {
        for n in [0, 4_095, 4_096, 8_191, 8_999] {
            let event = fixture.trail.event(sent[n].id).unwrap().unwrap();
            assert_eq!(event.draft, sent[n]);
        }
        fixture.reopen();
    }
}

#[test]
fn many_writers_each_get_their_own_place() {
    let fixture = Fixture::new();
    let trail = &fixture.trail;
    std::thread::scope(|scope| {
        for writer in 0..8_u64 {
            scope.spawn(move || {
                for n in 0..200 {
                    let batch = vec![Submission::new(draft(writer * 1_000 + n))];
                    assert!(matches!(
                        trail.append_blocking(batch).unwrap()[..],
                        [Receipt::Accepted(_)]
                    ));
                }
            });
        }
    });
    assert_eq!(trail.count(&view("")).unwrap().value, 1_600);
    assert_eq!(trail.state().last_seq, Seq(1_600));
}

#[test]
fn a_closed_trail_says_so() {
    let fixture = Fixture::new();
    fixture.trail.close();
    let refused = fixture
        .trail
        .append_blocking(vec![Submission::new(draft(1))]);
    assert!(matches!(refused, Err(StoreError::Closed)));
}

/// Copies the folder as a power cut would leave it, the log cut at every 97th byte of its tail.
#[test]
fn a_torn_log_keeps_whole_commits_and_nothing_else() {
    let fixture = Fixture::new();
    for n in 0..40 {
        fixture.append([draft(2 * n), draft(2 * n + 1)]);
    }
    let log = fs::read(fixture.dir.path().join("trail.db-wal")).unwrap();
    let seen = AtomicUsize::new(usize::MAX);
    for length in (log.len().saturating_sub(64 * 1024)..log.len())
        .rev()
        .step_by(97 * 7)
    {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(
            fixture.dir.path().join("trail.db"),
            copy.path().join("trail.db"),
        )
        .unwrap();
        fs::write(copy.path().join("trail.db-wal"), &log[..length]).unwrap();
        let trail = Trail::open(options(copy.path(), &Arc::default())).unwrap();
        let page = trail.page(&view(""), &first_page(1_000)).unwrap();
        let count = page.events.len();
        assert_eq!(count % 2, 0, "half a commit at {length} bytes");
        assert!(
            count <= seen.swap(count, Ordering::Relaxed),
            "a shorter log cannot know more"
        );
        let expected = (0..count as u64).rev().map(|n| format!("/client/{n}"));
        assert!(
            page.events
                .iter()
                .map(|e| e.draft.path.clone())
                .eq(expected)
        );
    }
    assert!(seen.into_inner() < 80, "the cut must have cost something");
}

/// After a failed commit nobody knows what is on the disk; it may well be there (a sync that
/// failed after the write). Until that is known nothing is accepted, then everything goes on.
#[test]
fn what_became_durable_though_its_commit_failed_is_found_when_the_disk_is_back() {
    let mut fixture = Fixture::new();
    fixture.append([draft(1)]);
    let disk = rusqlite::Connection::open(fixture.dir.path().join("trail.db")).unwrap();
    disk.execute_batch("ALTER TABLE events RENAME TO gone")
        .unwrap();
    let send = |n| {
        let batch = vec![Submission::new(draft(n))];
        fixture.trail.append_blocking(batch)
    };
    for n in [2, 3] {
        let refused = send(n).unwrap_err();
        assert!(
            matches!(refused, StoreError::CannotRecord { .. }),
            "{refused}"
        );
    }
    let copy =
        "INSERT INTO gone SELECT 2, ?1, time, received, first, polling, digest, body FROM gone";
    disk.execute(copy, [draft(7).id.as_bytes().as_slice()])
        .unwrap();
    disk.execute_batch("ALTER TABLE gone RENAME TO events")
        .unwrap();
    assert_eq!(send(4).unwrap(), [Receipt::Accepted(Seq(3))]);
    assert_eq!(send(5).unwrap(), [Receipt::Accepted(Seq(4))]);
    assert!(fixture.trail.state().failing.is_none());
    for _ in 0..2 {
        assert_eq!(fixture.trail.count(&view("")).unwrap().value, 4);
        assert!(fixture.trail.event(draft(7).id).unwrap().is_some());
        fixture.reopen();
    }
}

#[test]
fn what_a_failed_commit_took_back_is_accepted_when_it_is_sent_again() {
    let fixture = Fixture::new();
    fixture.append([draft(1)]);
    let disk = rusqlite::Connection::open(fixture.dir.path().join("trail.db")).unwrap();
    disk.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON events WHEN NEW.seq = 3
         BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )
    .unwrap();
    let batch = || [2, 3].map(|n| Submission::new(draft(n))).to_vec();
    fixture.trail.append_blocking(batch()).unwrap_err();
    disk.execute_batch("DROP TRIGGER broken").unwrap();
    assert_eq!(
        fixture.trail.append_blocking(batch()).unwrap(),
        [Receipt::Accepted(Seq(2)), Receipt::Accepted(Seq(3))]
    );
    assert_eq!(
        fixture.trail.append_blocking(batch()).unwrap(),
        [Receipt::Duplicate(Seq(2)), Receipt::Duplicate(Seq(3))]
    );
    assert_eq!(fixture.trail.count(&view("")).unwrap().value, 3);
}

/// Threat 23: whoever asks costly questions does not hold up who records.
#[test]
fn recording_goes_on_while_a_costly_question_is_answered() {
    let fixture = Fixture::new();
    let many = (0..60_000).map(|n| {
        let mut draft = by("olena", draft(n));
        draft.path = format!("/{}", "ab".repeat(100 + n as usize % 7));
        draft
    });
    fixture.append(many);
    let costly = view(&"path:*a*b*a*b*a*b*a*b*a*b*a*b*c ".repeat(8));
    let (asked, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let asking = std::thread::spawn({
        let (asked, answered) = (Arc::clone(&asked), Arc::clone(&answered));
        let trail = fixture.trail.clone();
        move || {
            // Until the recorder lets go of its handle to the answer.
            while Arc::strong_count(&answered) > 1 {
                asked.fetch_add(1, Ordering::SeqCst);
                trail.sessions(&costly, 0, 10).unwrap();
                answered.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    // One or two may slip in before a question has begun in earnest.
    let mut meanwhile = (0, 0);
    let mut numbers = (100_000..).take_while(|_| asked.load(Ordering::SeqCst) <= 5);
    let recorded_meanwhile = numbers.any(|n| {
        let question = asked.load(Ordering::SeqCst);
        fixture.append([draft(n)]);
        // The same question was under way before and after.
        let still = asked.load(Ordering::SeqCst) == question;
        if still && answered.load(Ordering::SeqCst) < question {
            let (of, count) = meanwhile;
            meanwhile = (question, if of == question { count + 1 } else { 1 });
        }
        meanwhile.1 >= 6
    });
    drop(answered);
    asking.join().unwrap();
    assert!(recorded_meanwhile);
}

/// More events in one commit than recent ids are kept.
#[test]
fn an_id_comes_twice_in_a_batch_of_any_size_and_counts_once() {
    let fixture = Fixture::new();
    let batch = (0..40_000).chain([0, 39_999]).map(draft);
    let receipts = fixture.append(batch);
    assert!(matches!(
        receipts[40_000..],
        [Receipt::Duplicate(_), Receipt::Duplicate(_)]
    ));
    assert_eq!(fixture.trail.state().events, 40_000);
}
