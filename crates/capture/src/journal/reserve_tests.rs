//! What is counted while the journal cannot be written.

use super::faulty::{Faults, FaultyDisk};
use super::reserve::Reserve;
use super::*;
use crate::ids;

const NOW: Micros = Micros(1_795_000_000_000_000);

fn start(folder: &Path) -> Reserve {
    Reserve::start(folder.join("reserve"), Arc::new(RealDisk)).unwrap()
}

fn panel(name: &str) -> PanelName {
    name.parse().unwrap()
}

fn told(reserve: &Reserve) -> Vec<(String, Option<u64>)> {
    let gaps = reserve.earlier().into_iter();
    gaps.map(|gap| (gap.panel.to_string(), gap.count)).collect()
}

#[test]
fn counts_are_found_again_with_their_times_and_ids_until_they_are_settled() {
    let folder = tempfile::tempdir().unwrap();
    let reserve = start(folder.path());
    let asked: Vec<_> = (0..3).map(|_| ids::new_id(NOW)).collect();
    for (n, id) in asked.iter().enumerate() {
        reserve.count(&panel("billing"), *id, 1, Micros(NOW.0 + n as i64));
    }
    reserve.count(&panel("shop"), ids::new_id(NOW), 4, NOW);
    reserve.settle(asked[..1].iter());
    drop(reserve);
    let reserve = start(folder.path());
    let gaps = reserve.earlier();
    assert_eq!(
        told(&reserve),
        [
            ("billing".to_owned(), Some(2)),
            ("shop".to_owned(), Some(4))
        ]
    );
    assert_eq!((gaps[0].time, gaps[0].duration_us), (NOW, Some(2)));
    drop(reserve);
    let reserve = start(folder.path());
    assert_eq!(reserve.earlier(), gaps);
    reserve.settle(gaps.iter().map(|gap| &gap.id));
    drop(reserve);
    assert_eq!(start(folder.path()).earlier(), []);
}

#[test]
fn a_torn_write_falls_back_to_the_count_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reserve");
    let reserve = start(folder.path());
    reserve.count(&panel("billing"), ids::new_id(NOW), 1, NOW);
    let before = std::fs::read(&path).unwrap();
    reserve.count(&panel("billing"), ids::new_id(NOW), 1, NOW);
    drop(reserve);
    let after = std::fs::read(&path).unwrap();
    assert_eq!((before.len(), after.len()), (4096, 4096));
    let changed: Vec<_> = (0..4096).filter(|at| before[*at] != after[*at]).collect();
    for cut in &changed {
        let torn = [&after[..*cut], &before[*cut..]].concat();
        std::fs::write(&path, torn).unwrap();
        let count = told(&start(folder.path()));
        assert_eq!(count, [("billing".to_owned(), Some(1))], "torn at {cut}");
    }
}

#[test]
fn what_has_no_room_is_counted_together_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    for run in 1..=5 {
        let reserve = start(folder.path());
        for n in 0..200 {
            let name = format!("panel-with-a-long-name-{run}-{n}");
            reserve.count(&panel(&name), ids::new_id(NOW), 1, NOW);
        }
        drop(reserve);
        let counts = told(&start(folder.path()));
        let sum: u64 = counts.iter().filter_map(|(_, count)| *count).sum();
        assert_eq!(sum, run * 200, "{counts:?}");
        assert!(counts.iter().any(|(panel, _)| panel == PanelName::OWN));
    }
}

#[test]
fn what_another_version_counted_stops_the_start_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reserve");
    drop(start(folder.path()));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2048 + 7] = b'2';
    std::fs::write(&path, &bytes).unwrap();
    assert!(Reserve::start(path.clone(), Arc::new(RealDisk)).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_request_that_became_part_of_a_gap_is_counted_until_the_gap_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let reserve = start(folder.path());
    let (asked, gap) = (ids::new_id(NOW), ids::new_id(NOW));
    reserve.count(&panel("billing"), asked, 1, NOW);
    reserve.hand_over(asked, gap);
    reserve.settle([asked].iter());
    assert_eq!(told(&start(folder.path())).len(), 1);
    reserve.settle([gap].iter());
    assert_eq!(told(&start(folder.path())), []);
}

#[test]
fn without_room_for_it_the_start_goes_on_and_it_is_made_later() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    faults.create.store(usize::MAX, Ordering::SeqCst);
    let disk = Arc::new(FaultyDisk(Arc::clone(&faults)));
    let reserve = Reserve::start(folder.path().join("reserve"), disk).unwrap();
    reserve.count(&panel("billing"), ids::new_id(NOW), 1, NOW);
    faults.create.store(0, Ordering::SeqCst);
    reserve.make();
    assert_eq!(told(&start(folder.path())).len(), 1);
}
