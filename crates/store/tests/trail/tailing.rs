use admintrail_event::Seq;
use admintrail_store::Position;

use crate::support::{Fixture, draft, view};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_tail_gets_what_comes_and_nothing_that_was() {
    let fixture = Fixture::new();
    fixture.append([draft(1)]);
    let mut tail = fixture.trail.tail(None);
    fixture.append([draft(2), draft(3)]);
    let events = runtime().block_on(tail.next(10)).unwrap();
    assert_eq!(
        events.iter().map(|e| e.seq).collect::<Vec<_>>(),
        [Seq(2), Seq(3)]
    );
}

#[test]
fn a_tail_resumes_after_a_position_across_a_restart_and_ends_with_the_trail() {
    let mut fixture = Fixture::new();
    fixture.append((0..10_000).map(draft));
    let at = fixture.trail.event(draft(9).id).unwrap().unwrap();
    fixture.reopen();
    let (time, log, seq) = at.order();
    let mut tail = fixture.trail.tail(Some(Position { time, log, seq }));
    let mut next = seq.0 + 1;
    while next <= 10_000 {
        for event in runtime().block_on(tail.next(999)).unwrap() {
            assert_eq!(event.seq, Seq(next));
            next += 1;
        }
    }
    fixture.trail.close();
    assert!(runtime().block_on(tail.next(1)).is_none());
}

#[test]
fn a_tail_reads_what_a_view_shows_in_bounded_steps_and_misses_nothing() {
    let mut fixture = Fixture::new();
    fixture.append((0..20_000).map(draft));
    let at = fixture.trail.event(draft(9).id).unwrap().unwrap();
    // What lies in columns and what still lies in rows.
    fixture.reopen();
    fixture.append((20_000..21_000).map(draft));
    let (time, log, seq) = at.order();
    for limit in [7, 5_000] {
        let mut tail = fixture.trail.tail(Some(Position { time, log, seq }));
        let every = view("path:/client/1*7");
        let (mut found, mut steps) = (Vec::new(), 0);
        while tail.behind() > 0 {
            assert!(runtime().block_on(tail.ready()));
            let behind = tail.behind();
            let read = tail.read(&every, limit);
            assert!(read.len() <= limit);
            assert!(tail.behind() < behind && behind - tail.behind() <= 4_096);
            found.extend(read.into_iter().map(|event| event.draft.path));
            steps += 1;
        }
        let expected: Vec<String> = (10..21_000)
            .map(|n| format!("/client/{n}"))
            .filter(|path| {
                path.strip_prefix("/client/1")
                    .is_some_and(|rest| rest.contains('7'))
            })
            .collect();
        let same = found == expected;
        assert!(
            same,
            "{} of {} in {steps} steps",
            found.len(),
            expected.len()
        );
    }
    let mut tail = fixture.trail.tail(None);
    fixture.trail.close();
    assert!(!runtime().block_on(tail.ready()));
}
