//! One planned request as the draft that a recorder makes of it.

use uuid::Builder;

use super::super::random::Random;
use super::panel::{Names, Panel, Request};
use super::people::{People, stranger};
use super::session::Session;
use crate::{Draft, Ending, EventId, KnownBy, Micros, Outcome, is_safe_method};

/// What is known of every request before it is answered.
pub(super) fn blank(
    panel: &Panel,
    request: &Request,
    path: String,
    start: i64,
    random: &mut Random,
) -> Draft {
    let mut noise = [0; 10];
    for (to, from) in noise.iter_mut().zip(random.bytes()) {
        *to = from;
    }
    let start = Micros(start);
    let id = EventId::new(start, noise);
    let mut draft = Draft::request(id, start, panel.name.clone(), request.method, "");
    draft.path = path;
    draft.scheme = Some("https".to_owned());
    draft.host = Some(panel.host.clone());
    draft.request_type = request.request_type;
    draft.asset = request.asset;
    draft.polling = request.polling;
    draft.route = Some(request.route.clone());
    draft
}

/// A request of somebody who is signed in.
pub(super) fn of_session(
    (panel, request): (&Panel, &Request),
    (people, session): (&People, &Session),
    (object, repeats): (u64, bool),
    (start, took): (i64, i64),
    random: &mut Random,
) -> Draft {
    let mut room = [0; 36];
    let id = written(request.names, object, &mut room);
    let mut draft = blank(panel, request, request.path.fill(id), start, random);
    if let Some(person) = people.all.get(session.person) {
        draft.admin = Some(person.mail.clone());
        draft.admin_name = Some(person.name.clone());
        draft.ip = person.addresses.get(session.address).copied();
        draft.user_agent = person.agents.get(session.agent).cloned();
    }
    draft.known_by = KnownBy::Session;
    draft.session = Some(session.hash);
    draft.query = request.has_query.then(|| query(repeats, random));
    answer(&mut draft, status(request, random), took, random);
    draft.action = request.sentence(draft.outcome).fill(id);
    draft.object = request.object.as_ref().map(|text| text.fill(id));
    if let Some(client) = session.acting_as {
        let mut room = [0; 36];
        let client = written(Names::Uuid { kind: 1 }, client, &mut room);
        draft.acting_as = Some(["client/", client].concat());
    }
    if random.chance(1, 2_500) {
        // The browser went away before there was an answer.
        draft.status = None;
        draft.outcome = Outcome::Unknown;
        draft.ending = Ending::Dropped;
        draft.duration_us = None;
    }
    draft
}

/// A failed sign-in, or somebody who is sent to sign in first.
pub(super) fn of_stranger(
    panel: &Panel,
    people: &People,
    end: i64,
    random: &mut Random,
) -> Option<Draft> {
    let took = random.spread(18_000).cast_signed();
    let tries = random.chance(2, 3);
    let at = if tries {
        panel.sign_in
    } else {
        panel.pages.get(random.index(panel.pages.len()))?.load
    };
    let request = panel.requests.get(usize::from(at))?;
    let mut room = [0; 36];
    let id = written(request.names, random.below(1 << 40), &mut room);
    let mut draft = blank(panel, request, request.path.fill(id), end - took, random);
    let (address, agent) = stranger(random);
    draft.ip = Some(address);
    draft.user_agent = Some(agent.to_owned());
    if tries {
        let tried = people.tried(random);
        draft.known_by = KnownBy::Attempt;
        draft.action = ["Failed sign-in as ", &tried].concat();
        draft.attempted = Some(tried);
        answer(
            &mut draft,
            if random.chance(3, 4) { 422 } else { 403 },
            took,
            random,
        );
    } else {
        draft.action.clone_from(&request.stranger);
        answer(&mut draft, 302, took, random);
    }
    draft.outcome = Outcome::Denied;
    Some(draft)
}

fn status(request: &Request, random: &mut Random) -> u16 {
    let sends = !is_safe_method(request.method);
    let api = request.request_type == crate::RequestType::Api;
    match random.below(2_000) {
        0..600 if request.asset => 304,
        _ if request.asset => 200,
        0..9 => 403,
        9..11 => 401,
        11..27 => 404,
        27..31 => 500,
        31..32 => 502,
        32..72 if sends && api => 422,
        _ if sends && !api => 302,
        _ if request.method == "POST" => 201,
        _ if request.method == "DELETE" => 204,
        _ => 200,
    }
}

fn answer(draft: &mut Draft, status: u16, took: i64, random: &mut Random) {
    draft.status = Some(status);
    draft.outcome = Outcome::of_status(draft.status);
    draft.duration_us = Some(took.unsigned_abs());
    draft.request_bytes = Some(if is_safe_method(&draft.method) {
        0
    } else {
        random.spread(260)
    });
    draft.response_bytes = Some(match status {
        204 | 302 | 304 => 0,
        200 if draft.polling => 31,
        200 if draft.asset => draft.path.len() as u64 * 1_811,
        200 => random.spread(6_000),
        _ => 40 + random.below(4) * 19,
    });
}

/// Pages and orders of a list; what a page repeats asks for the same each time.
fn query(repeats: bool, random: &mut Random) -> String {
    const PAGES: [&str; 8] = ["1", "1", "1", "1", "2", "2", "3", "4"];
    const SORTS: [&str; 4] = ["-created", "name", "-updated", "status"];
    if repeats {
        return "since=0".to_owned();
    }
    let page = PAGES
        .get(random.index(PAGES.len()))
        .copied()
        .unwrap_or_default();
    let sort = SORTS
        .get(random.index(SORTS.len()))
        .copied()
        .unwrap_or_default();
    ["page=", page, "&per_page=25&sort=", sort].concat()
}

/// The name of a thing where a path names one.
fn written(names: Names, object: u64, room: &mut [u8; 36]) -> &str {
    match names {
        Names::None => "",
        Names::Number => number(1_000 + object, room),
        Names::Uuid { kind } => {
            let bytes = Random(kind << 44 ^ object).bytes();
            Builder::from_random_bytes(bytes)
                .into_uuid()
                .hyphenated()
                .encode_lower(room)
        }
    }
}

fn number(mut value: u64, room: &mut [u8; 36]) -> &str {
    let mut first = room.len();
    for (at, digit) in room.iter_mut().enumerate().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        first = at;
        if value == 0 {
            break;
        }
    }
    room.get(first..)
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .unwrap_or_default()
}
