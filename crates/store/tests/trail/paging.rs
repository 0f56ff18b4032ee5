use admintrail_event::{Event, Micros};
use admintrail_store::{Cursor, Order, PageRequest, Trail, View};

use crate::support::{Fixture, NOON, at, draft, first_page, view};

/// Every page from the first to the last, and back again.
fn walk(trail: &Trail, view: &View, order: Order, limit: usize) -> (Vec<Event>, Vec<Event>) {
    let ask = |cursor| {
        trail
            .page(
                view,
                &PageRequest {
                    order,
                    limit,
                    cursor,
                    last: false,
                },
            )
            .unwrap()
    };
    let mut there = Vec::new();
    let mut page = ask(None);
    loop {
        assert_eq!(
            page.before,
            Some(there.len() as u64),
            "rows before the page"
        );
        there.extend(page.events.clone());
        let next = if order == Order::Descending {
            page.older
        } else {
            page.newer
        };
        let Some(next) = next else { break };
        page = ask(Some(Cursor::parse(&next.to_string()).unwrap()));
    }
    let mut back = page.events.clone();
    loop {
        let next = if order == Order::Descending {
            page.newer
        } else {
            page.older
        };
        let Some(next) = next else { break };
        page = ask(Some(next));
        back.splice(0..0, page.events.clone());
    }
    (there, back)
}

#[test]
fn pages_meet_without_gap_or_overlap_both_ways_even_among_equal_times() {
    let mut fixture = Fixture::new();
    // Times go back and forth and often coincide.
    fixture.append((0..10_000_u64).map(|n| at(Micros(NOON + (n as i64 * 7_919) % 613), n)));
    for _ in 0..2 {
        for (order, limit) in [(Order::Descending, 997), (Order::Ascending, 1_000)] {
            let (there, back) = walk(&fixture.trail, &view("-path:/client/5"), order, limit);
            assert_eq!(
                there.len() as u64,
                fixture.trail.count(&view("-path:/client/5")).unwrap().value
            );
            assert_eq!(there, back);
            let sorted = match order {
                Order::Descending => there.is_sorted_by(|a, b| a.order() > b.order()),
                Order::Ascending => there.is_sorted_by(|a, b| a.order() < b.order()),
            };
            assert!(sorted);
        }
        fixture.reopen();
    }
}

#[test]
fn the_last_page_ends_where_the_order_ends() {
    let fixture = Fixture::new();
    fixture.append((0..120).map(draft));
    let request = PageRequest {
        last: true,
        ..first_page(50)
    };
    let page = fixture.trail.page(&view(""), &request).unwrap();
    assert_eq!(page.events.last().unwrap().draft.path, "/client/0");
    assert_eq!((page.events.len(), page.before), (50, Some(70)));
    assert!(page.older.is_none() && page.newer.is_some());
}

#[test]
fn an_empty_side_leads_back() {
    let fixture = Fixture::new();
    fixture.append((0..3).map(draft));
    let page = fixture.trail.page(&view(""), &first_page(10)).unwrap();
    assert!(page.newer.is_none() && page.older.is_none());
    let newest = page.events.first().unwrap();
    let (time, log, seq) = newest.order();
    let after = Cursor(admintrail_store::Since::After(admintrail_store::Position {
        time,
        log,
        seq,
    }));
    let request = PageRequest {
        cursor: Some(after),
        ..first_page(10)
    };
    let empty = fixture.trail.page(&view(""), &request).unwrap();
    assert!(empty.events.is_empty() && empty.newer.is_none());
    let back = PageRequest {
        cursor: empty.older,
        ..first_page(10)
    };
    assert_eq!(
        fixture.trail.page(&view(""), &back).unwrap().events.len(),
        3
    );
    fixture.append([draft(3)]);
    assert_eq!(
        fixture
            .trail
            .page(&view(""), &request)
            .unwrap()
            .events
            .len(),
        1
    );
}

#[test]
fn a_cursor_stays_valid_while_events_arrive_and_after_a_restart() {
    let mut fixture = Fixture::new();
    fixture.append((0..100).map(draft));
    let first = fixture.trail.page(&view(""), &first_page(10)).unwrap();
    fixture.append((100..5_000).map(draft));
    fixture.reopen();
    let request = PageRequest {
        cursor: first.older,
        ..first_page(10)
    };
    let second = fixture.trail.page(&view(""), &request).unwrap();
    assert_eq!(second.events.first().unwrap().draft.path, "/client/89");
}
