//! The hours before the demo began, so that the page has something to show at once.

use admintrail_event::{AttemptedNames, Micros, attempted_name};
use serde_json::{Value, json};

use super::dice::Dice;
use super::people::{Deed, GUESSES, PEOPLE, Person, SCANNER, STRANGERS, next_deed};

const HOUR: i64 = 3_600 * Micros::SECOND;

/// Events of the last `hours` hours as lines to import, oldest first.
pub(super) fn lines(now: Micros, hours: i64, panel: &str, key: &[u8; 32]) -> Vec<String> {
    let mut events: Vec<(i64, Value)> = Vec::new();
    for (number, person) in PEOPLE.iter().enumerate() {
        let mut dice = Dice::new(number as u64 + 71);
        for ago in (1..=hours).rev() {
            let begin = now.0 - ago * HOUR;
            let (first, last) = person.hours;
            if (first..last).contains(&(begin.div_euclid(HOUR) % 24)) {
                hour_of(person, number, begin, panel, &mut dice, &mut events);
            }
        }
    }
    let mut dice = Dice::new(5);
    for ago in (1..=hours).rev().filter(|ago| ago % 3 == 1) {
        strangers(now.0 - ago * HOUR, panel, key, &mut dice, &mut events);
    }
    events.retain(|(at, _)| *at < now.0);
    events.sort_by_key(|(at, _)| *at);
    let lines = events.into_iter().map(|(_, event)| event.to_string());
    lines.collect()
}

/// An hour of somebody's work: two sessions a day or so, one request after the other.
fn hour_of(
    person: &Person,
    number: usize,
    begin: i64,
    panel: &str,
    dice: &mut Dice,
    events: &mut Vec<(i64, Value)>,
) {
    let shift = begin.div_euclid(4 * HOUR);
    // Real ones are hashes: their first digits, by which people know them, differ.
    let session = format!(
        "{:032x}",
        (u128::from(shift.unsigned_abs()) * 7_919 + number as u128 + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    );
    let [office, elsewhere] = person.addresses;
    let ip = if shift % 4 == 3 { elsewhere } else { office };
    let count = person.pace / 2 + dice.below(person.pace);
    let mut known = |at: i64, deed: &Deed, status: u16, dice: &mut Dice| {
        let event = json!({
            "panel": panel, "time": Micros(at).to_string(), "method": deed.method, "path": deed.path,
            "query": deed.query, "status": status, "admin": person.login, "known_by": "session",
            "session": session, "ip": ip, "user_agent": person.agent, "scheme": "https",
            "host": "panel.northwind.example", "duration_us": 900 + dice.below(40_000),
            "response_bytes": 300 + dice.below(9_000), "recorder": "demo",
        });
        events.push((at, event));
    };
    for _ in 0..count {
        let at = begin + i64::try_from(dice.below(HOUR.unsigned_abs())).unwrap_or(0);
        let deed = next_deed(dice);
        let status = match deed.method {
            _ if deed.needs_owner() && !person.owner => 403,
            "DELETE" => 409,
            "PUT" => 202,
            "POST" => 303,
            _ if deed.path.len() == "/customers/13700".len()
                && deed.path.starts_with("/customers/1") =>
            {
                404
            }
            _ if dice.once_in(150) => 502,
            _ => 200,
        };
        known(at, &deed, status, dice);
    }
    for minute in (0..60).step_by(6) {
        known(
            begin + minute * 60 * Micros::SECOND,
            &Deed::refresh(),
            200,
            dice,
        );
    }
}

fn strangers(
    begin: i64,
    panel: &str,
    key: &[u8; 32],
    dice: &mut Dice,
    events: &mut Vec<(i64, Value)>,
) {
    let ip = dice.one_of(STRANGERS).copied().unwrap_or("203.0.113.9");
    for step in 0..2 + i64::try_from(dice.below(9)).unwrap_or(0) {
        let at = begin + step * 1_700_000;
        let name = dice.one_of(GUESSES).copied().unwrap_or("root");
        // As the recorder keeps it: one of them is a password in the wrong field.
        let admin = PEOPLE.iter().any(|person| person.login == name);
        let name = attempted_name(name, admin, AttemptedNames::Known, key);
        let event = json!({
            "panel": panel, "time": Micros(at).to_string(), "method": "POST", "path": "/login", "status": 401,
            "attempted": name, "known_by": "attempt", "ip": ip, "user_agent": SCANNER, "scheme": "https",
            "host": "panel.northwind.example", "duration_us": 1_200 + dice.below(3_000), "recorder": "demo",
        });
        events.push((at, event));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_past_is_full_and_believable() {
        let now = Micros::parse_rfc3339("2026-11-23T14:00:00Z").unwrap();
        let lines = lines(now, 24, "northwind", &[7; 32]);
        assert!((800..5_000).contains(&lines.len()), "{}", lines.len());
        let events: Vec<Value> = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let times: Vec<&str> = events
            .iter()
            .map(|event| event["time"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted() && *times.last().unwrap() < "2026-11-23T14:00:00.000000Z");
        let admins: HashSet<&str> = events
            .iter()
            .filter_map(|event| event["admin"].as_str())
            .collect();
        assert_eq!(admins.len(), PEOPLE.len());
        let sessions = events.iter().filter_map(|event| event["session"].as_str());
        let sessions: HashSet<&str> = sessions.collect();
        let shown: HashSet<&str> = sessions.iter().map(|session| &session[..8]).collect();
        assert_eq!(shown.len(), sessions.len(), "told apart by what pages show");
        for status in [200, 303, 401, 403, 404] {
            assert!(
                events.iter().any(|event| event["status"] == status),
                "{status}"
            );
        }
    }
}
