//! Every question, whatever part of the events is sealed: hot only, archive only, and both mixed must
//! answer as `Filter::matches` over a list of all events does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use admintrail_event::{Draft, Event, EventId, Filter, KnownBy, Micros, Outcome, fold, testing};
use admintrail_store::{
    AttemptsBy, Cursor, FacetField, GroupDetail, Identity, Order, PageRequest, Receipt, Submission,
    Trail, View,
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{NOON, small_segments};

const FIELDS: [FacetField; 13] = [
    FacetField::Admin,
    FacetField::Ip,
    FacetField::Type,
    FacetField::Method,
    FacetField::Status,
    FacetField::Outcome,
    FacetField::Action,
    FacetField::Route,
    FacetField::Panel,
    FacetField::Agent,
    FacetField::Object,
    FacetField::Attempted,
    FacetField::KnownBy,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Hot,
    Archive,
    /// Sealed up to this part of the batches.
    Mixed(usize),
}

/// A trail that was given batches, a few seconds apart.
struct Stage {
    _dir: TempDir,
    trail: Trail,
}

impl Stage {
    fn new(batches: &[Vec<Draft>], layout: Layout, seal: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(NOON + 86_400 * Micros::SECOND));
        let mut options = small_segments(dir.path(), &now, seal);
        // It asks for the time, too, at moments of its own; every layout is to see the same times.
        options.tuning.ledger = false;
        let trail = Trail::open(options).unwrap();
        for (at, batch) in batches.iter().enumerate() {
            now.fetch_add(2 * Micros::SECOND, Ordering::Relaxed);
            let batch: Vec<Submission> = batch.iter().cloned().map(Submission::new).collect();
            let receipts = trail.append_blocking(batch).unwrap();
            assert!(receipts.iter().all(|r| matches!(r, Receipt::Accepted(_))));
            if layout == Layout::Mixed(at) {
                trail.seal().unwrap();
            }
        }
        if layout == Layout::Archive {
            trail.seal().unwrap();
            assert_eq!(trail.state().archive.hot, 0);
        }
        Self { _dir: dir, trail }
    }

    fn all(&self) -> Vec<Event> {
        let chunks = self.trail.scan(&View::default());
        chunks.flat_map(Result::unwrap).collect()
    }

    fn walk(&self, view: &View, order: Order, limit: usize) -> Vec<Event> {
        let mut request = PageRequest {
            order,
            limit,
            cursor: None,
            last: false,
        };
        let mut rows: Vec<Event> = Vec::new();
        loop {
            let page = self.trail.page(view, &request).unwrap();
            assert_eq!(page.before, Some(rows.len() as u64), "rows before the page");
            assert_eq!(page.searched, None);
            rows.extend(page.events);
            let next = match order {
                Order::Descending => page.older,
                Order::Ascending => page.newer,
            };
            let Some(next) = next else { return rows };
            request.cursor = Some(Cursor::parse(&next.to_string()).unwrap());
        }
    }
}

/// Times that often coincide, some far from all others.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => (0_i64..40).prop_map(|n| NOON + n * 97 * Micros::SECOND),
        2 => (0_i64..7_200_000_000).prop_map(|n| NOON + n),
        1 => (-3_i64..3).prop_map(|days| NOON + days * 86_400 * Micros::SECOND),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Vec<Draft>>> {
    let draft = (testing::draft(), time());
    prop::collection::vec(prop::collection::vec(draft, 1..30), 2..8).prop_map(|batches| {
        let mut n = 0_u64;
        let mut place = |(mut draft, time): (Draft, i64)| {
            n += 1;
            let mut random = [0; 10];
            random[2..].copy_from_slice(&n.to_be_bytes());
            draft.id = EventId::new(Micros(time), random);
            draft.time = Micros(time);
            draft
        };
        batches
            .into_iter()
            .map(|batch| batch.into_iter().map(&mut place).collect())
            .collect()
    })
}

fn views() -> impl Strategy<Value = Vec<View>> {
    let hide = prop::collection::vec(
        (prop::option::of(testing::event()), testing::event()).prop_map(|(panel, event)| {
            Identity {
                panel: panel.map(|event| event.draft.panel),
                admin: event.draft.admin.unwrap_or_default(),
            }
        }),
        0..2,
    );
    let plain = prop::sample::select(vec![
        "",
        "type:api",
        "method:POST,GET",
        "status:4xx",
        "outcome:denied -type:web",
        "is:polling",
        "is:unknown,change",
        "-is:asset",
    ]);
    let plain = plain.prop_map(|text| Filter::parse(text).unwrap());
    let filter = prop_oneof![testing::filter(), plain];
    let bound = || prop::option::of(time());
    let view =
        (filter, bound(), bound(), hide, any::<bool>()).prop_map(|(filter, a, b, hide, fold)| {
            View {
                filter,
                from: a.min(b).map(Micros),
                to: a.max(b).map(Micros),
                hide,
                fold,
                ..View::default()
            }
        });
    prop::collection::vec(view, 1..6)
}

/// What a view does with an event, by the plain definition.
fn judged(view: &View, event: &Event) -> (bool, bool, bool) {
    let draft = &event.draft;
    let inside = view.from.is_none_or(|from| draft.time >= from)
        && view.to.is_none_or(|to| draft.time < to)
        && view.filter.matches(event);
    let hidden = draft.admin.as_deref().is_some_and(|admin| {
        view.hide.iter().any(|identity| {
            fold(&identity.admin) == fold(admin)
                && identity.panel.as_ref().is_none_or(|p| *p == draft.panel)
        })
    });
    let asks = |fact| view.filter.asks_for(fact);
    let may = draft.outcome == Outcome::Success && draft.known_by != KnownBy::Attempt;
    let folded = view.fold
        && may
        && (draft.polling && !asks(admintrail_event::filter::Fact::Polling)
            || draft.asset && !asks(admintrail_event::filter::Fact::Asset));
    (inside, hidden, folded)
}

fn ids(events: &[Event]) -> Vec<EventId> {
    events.iter().map(|event| event.draft.id).collect()
}

/// What there is to ask beside pages; the same, however the events are kept.
fn told(trail: &Trail, view: &View) -> Vec<String> {
    let mut told = Vec::new();
    for field in FIELDS {
        told.push(format!("{:?}", trail.facet(view, field, 5).unwrap()));
        let detail = GroupDetail {
            other: FacetField::Ip,
            named: 2,
            parts: 4,
        };
        let mut bounded = view.clone();
        bounded.from = bounded.from.or(Some(Micros(NOON)));
        bounded.to = bounded.to.or(Some(Micros(NOON + 7_200_000_000)));
        let groups = trail.groups_over_time(&bounded, field, 4, detail).unwrap();
        told.push(format!("{groups:?}"));
    }
    for by in [AttemptsBy::Ip, AttemptsBy::Name] {
        told.push(format!("{:?}", trail.attempts(view, by, 5, 3).unwrap()));
    }
    let sessions = trail.sessions(view, 0, 1_000).unwrap();
    let mut rows: Vec<String> = sessions
        .sessions
        .iter()
        .map(|row| {
            assert!(
                trail
                    .session(&row.session)
                    .unwrap()
                    .iter()
                    .any(|of| format!("{of:?}") == format!("{row:?}"))
            );
            // Which of several values of one time comes last is not laid down.
            let row = (
                (row.session, row.panel.clone(), row.start, row.last),
                (row.requests, row.folded, row.changes, row.denied),
                (row.acted, row.named, row.signed_out, row.ips.len()),
            );
            format!("{row:?}")
        })
        .collect();
    rows.sort();
    told.push(format!("{} {rows:?}", sessions.total));
    told.push(format!("{:?}", trail.nameless_sessions(view).unwrap()));
    let mut requests: BTreeMap<String, u64> = BTreeMap::new();
    trail
        .requests(view, true, |of| {
            let kind = (of.method, of.path, of.query, of.route, of.asset, of.refused);
            *requests.entry(format!("{kind:?}")).or_default() += of.count;
        })
        .unwrap();
    told.push(format!("{requests:?}"));
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("ADMINTRAIL_CONTRACT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
    ))]

    #[test]
    fn every_question_is_answered_alike_however_much_is_sealed(
        batches in batches(),
        views in views(),
        seal in 20_usize..60,
        mixed in 0_usize..8,
        limit in 1_usize..20,
    ) {
        let layouts = [Layout::Hot, Layout::Archive, Layout::Mixed(mixed % batches.len())];
        let stages = layouts.map(|layout| Stage::new(&batches, layout, seal));
        let submitted: Vec<&Draft> = batches.iter().flatten().collect();
        for (stage, layout) in stages.iter().zip(layouts) {
            let mut all = stage.all();
            prop_assert!(all.is_sorted_by(|a, b| a.order() < b.order()));
            prop_assert_eq!(all.len(), submitted.len(), "{:?}", layout);
            for event in all.iter().step_by(7) {
                let found = stage.trail.event(event.draft.id).unwrap();
                prop_assert_eq!(found.as_ref(), Some(event));
            }
            for view in &views {
                let verdicts: Vec<_> = all.iter().map(|event| judged(view, event)).collect();
                let with = |wanted: (bool, bool, bool)| {
                    all.iter().zip(&verdicts).filter(move |(_, v)| **v == wanted).map(|(e, _)| e.clone())
                };
                let visible: Vec<Event> = with((true, false, false)).collect();
                let mut newest_first = visible.clone();
                newest_first.reverse();
                prop_assert_eq!(
                    ids(&stage.walk(view, Order::Descending, limit)), ids(&newest_first), "{:?} {}", layout, view.filter
                );
                prop_assert_eq!(stage.walk(view, Order::Ascending, limit + 3), visible.clone());
                let page = stage.trail.page(view, &PageRequest {
                    order: Order::Descending, limit: 3, cursor: None, last: true,
                }).unwrap();
                let last: Vec<EventId> = newest_first.iter().rev().take(3).rev().map(|e| e.draft.id).collect();
                prop_assert_eq!(ids(&page.events), last);
                prop_assert_eq!(page.total.value, visible.len() as u64);
                prop_assert_eq!(page.hidden, with((true, true, false)).count() as u64);
                prop_assert_eq!(page.folded.all(), with((true, false, true)).count() as u64);
                prop_assert_eq!(stage.trail.count(view).unwrap().value, visible.len() as u64);
                for buckets in [1, 7, 60] {
                    let histogram = stage.trail.histogram(view, buckets, Micros(0)).unwrap();
                    let inside = visible.iter().filter(|e| e.draft.time < histogram.to);
                    let sum: u64 = histogram.buckets.iter().map(|b| b.read + b.changed + b.denied).sum();
                    prop_assert_eq!(sum, inside.count() as u64, "{:?} {} {}", layout, view.filter, buckets);
                    for (at, bucket) in histogram.buckets.iter().enumerate() {
                        let from = histogram.from.0 + histogram.width * at as i64;
                        let of = visible.iter().filter(|e| (from..from + histogram.width).contains(&e.draft.time.0));
                        let denied = of.filter(|e| matches!(
                            e.draft.outcome, Outcome::Denied | Outcome::Failed | Outcome::Error
                        ));
                        prop_assert_eq!(bucket.denied, denied.count() as u64);
                    }
                }
            }
            // The order of acceptance is told, too.
            all.sort_by_key(|event| event.seq);
            let sent: Vec<EventId> = submitted.iter().map(|draft| draft.id).collect();
            prop_assert_eq!(ids(&all), sent);
        }
        let [hot, archive, mixed] = stages;
        for view in &views {
            let expected = told(&hot.trail, view);
            for (layout, stage) in [("archive", &archive), ("mixed", &mixed)] {
                for (found, expected) in told(&stage.trail, view).iter().zip(&expected) {
                    prop_assert_eq!(found, expected, "{} {}", layout, view.filter);
                }
            }
        }
    }
}
