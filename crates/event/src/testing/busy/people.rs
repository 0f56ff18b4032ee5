//! Who works: five thousand admins with their addresses and browsers, and strangers who try.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::random::Random;
use crate::Ip;

/// How many admins there are, beside the rare one.
pub const BUSY_ADMINS: usize = 5_000;

/// An admin with one event in ten thousand.
pub const RARE_ADMIN: &str = "rare@example.org";

const FIRST: [&str; 72] = [
    "Olena", "Jonas", "Amélie", "Mateusz", "Sofia", "Liam", "Noor", "Yuki", "Björn", "Carla",
    "Dmytro", "Eva", "Femi", "Greta", "Hassan", "Ines", "Jakub", "Katya", "Lars", "Mia", "Nikos",
    "Oscar", "Priya", "Quentin", "Rosa", "Søren", "Tamara", "Umut", "Vera", "Wojciech", "Xenia",
    "Yusuf", "Zoe", "Anders", "Beatriz", "Chidi", "Dana", "Elif", "Fredrik", "Hana", "Ivan",
    "Julia", "Kwame", "Leila", "Marco", "Nadia", "Omar", "Paula", "Raj", "Sara", "Tomás", "Ursula",
    "Viktor", "Wanda", "Yara", "Zoltan", "Ada", "Boris", "Clara", "Diego", "Emma", "Farid", "Gina",
    "Hugo", "Iris", "Jan", "Kira", "Luca", "Maya", "Nils", "Olga", "Pavel",
];

const LAST: [&str; 70] = [
    "Kovalenko",
    "Weber",
    "Laurent",
    "Nowak",
    "Rossi",
    "OBrien",
    "Haddad",
    "Tanaka",
    "Akesson",
    "Mendez",
    "Shevchenko",
    "Novotna",
    "Adeyemi",
    "Lindqvist",
    "Aydin",
    "Ferreira",
    "Dvorak",
    "Ivanova",
    "Nielsen",
    "Schmidt",
    "Papadopoulos",
    "Lopez",
    "Sharma",
    "Dubois",
    "Bianchi",
    "Moller",
    "Petrovic",
    "Kaya",
    "Horvath",
    "Zielinski",
    "Popova",
    "Demir",
    "Martin",
    "Holm",
    "Silva",
    "Okafor",
    "Cohen",
    "Arslan",
    "Berg",
    "Kim",
    "Meyer",
    "Costa",
    "Mensah",
    "Rahimi",
    "Conti",
    "Benali",
    "Farouk",
    "Santos",
    "Patel",
    "Lund",
    "Ruiz",
    "Keller",
    "Orlov",
    "Kowalska",
    "Nassar",
    "Nagy",
    "Byron",
    "Antonov",
    "Vogel",
    "Torres",
    "Wilson",
    "Karimi",
    "Marino",
    "Laine",
    "Moreau",
    "Visser",
    "Sokolova",
    "Greco",
    "Iyer",
    "Hansen",
];

const FIREFOX: &str = "Mozilla/5.0 (OS; rv:VERSION.0) Gecko/20100101 Firefox/VERSION.0";
const CHROME: &str =
    "Mozilla/5.0 (OS) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VERSION.0.0.0 Safari/537.36";
const EDGE: &str = "Mozilla/5.0 (OS) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VERSION.0.0.0 \
                    Safari/537.36 Edg/VERSION.0.0.0";
const SYSTEMS: [&str; 3] = [
    "Windows NT 10.0; Win64; x64",
    "X11; Linux x86_64",
    "Macintosh; Intel Mac OS X 10_15_7",
];
const OTHERS: [&str; 4] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
];

const SCRIPTS: [&str; 4] = [
    "python-requests/2.32.3",
    "curl/8.11.0",
    "Go-http-client/1.1",
    "Mozilla/5.0 zgrab/0.x",
];

const TRIED: [&str; 6] = ["root", "admin", "test", "administrator", "user", "guest"];

#[derive(Debug)]
pub(super) struct Person {
    pub(super) mail: String,
    pub(super) name: String,
    pub(super) addresses: Vec<Ip>,
    pub(super) agents: Vec<String>,
}

#[derive(Debug)]
pub(super) struct People {
    /// The busiest first; the rare one stands behind all of them.
    pub(super) all: Vec<Person>,
}

impl People {
    pub(super) fn new(random: &mut Random) -> Self {
        let browsers = browsers();
        let names = LAST
            .iter()
            .flat_map(|last| FIRST.iter().map(move |first| (*first, *last)));
        let mut all: Vec<Person> = (0u32..)
            .zip(names.take(BUSY_ADMINS))
            .map(|(number, (first, last))| Person {
                mail: format!("{first}.{last}@example.org").to_lowercase(),
                name: format!("{first} {last}"),
                addresses: addresses(number, random),
                agents: agents(&browsers, random),
            })
            .collect();
        all.push(Person {
            mail: RARE_ADMIN.to_owned(),
            name: "Rare Visitor".to_owned(),
            addresses: addresses(u32::try_from(BUSY_ADMINS).unwrap_or(0), random),
            agents: agents(&browsers, random),
        });
        Self { all }
    }

    /// Where the rare one stands.
    pub(super) fn rare(&self) -> usize {
        self.all.len() - 1
    }

    /// A name that somebody tries who does not know the password, as the trail keeps it: known
    /// admins and the names that attackers try; of any other its length and a fingerprint.
    pub(super) fn tried(&self, random: &mut Random) -> String {
        match random.below(10) {
            0..5 => TRIED.get(random.index(TRIED.len())),
            _ => None,
        }
        .map_or_else(
            || {
                if random.chance(1, 2) {
                    let person = random.zipf(BUSY_ADMINS as u64);
                    let person = usize::try_from(person).unwrap_or(0);
                    self.all
                        .get(person)
                        .map_or_else(String::new, |person| person.mail.clone())
                } else {
                    let print = random.below(400) * 163;
                    format!("unknown name ({} characters) #{print:04x}", 5 + print % 14)
                }
            },
            |name| (*name).to_owned(),
        )
    }
}

fn browsers() -> Vec<String> {
    let mut all = Vec::new();
    for (form, newest) in [(FIREFOX, 145), (CHROME, 142), (EDGE, 142)] {
        for system in SYSTEMS {
            for version in newest - 3..=newest {
                all.push(
                    form.replace("OS", system)
                        .replace("VERSION", &format!("{version}")),
                );
            }
        }
    }
    all.extend(OTHERS.iter().map(|agent| (*agent).to_owned()));
    all
}

/// One to three of them, the first the usual one.
fn agents(browsers: &[String], random: &mut Random) -> Vec<String> {
    let count = 1 + random.below(3);
    (0..count)
        .filter_map(|_| browsers.get(random.index(browsers.len())).cloned())
        .collect()
}

/// Two to five: the office that a team shares, one at home, others on the way.
fn addresses(number: u32, random: &mut Random) -> Vec<Ip> {
    let office = Ipv4Addr::new(198, 51, 100, u8::try_from(number % 120).unwrap_or(0));
    // 198.18.0.0/15 is set aside for benchmarks (RFC 2544).
    let home = Ipv4Addr::from(0xc612_0000 + number * 3);
    let mut all = vec![IpAddr::V4(office), IpAddr::V4(home)];
    for other in 0..random.below(4) {
        all.push(if other == 0 {
            let place = u16::try_from(number).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 7, place, 0, 0, 0, 0x10))
        } else {
            IpAddr::V4(Ipv4Addr::from(
                0xc612_8000 + number * 3 + u32::try_from(other).unwrap_or(0),
            ))
        });
    }
    all.into_iter().map(Ip::from).collect()
}

/// Who has no business here: few addresses try often, many once.
pub(super) fn stranger(random: &mut Random) -> (Ip, &'static str) {
    let number = u32::try_from(random.zipf(4_000)).unwrap_or(0);
    let address = Ipv4Addr::from(0xc613_8000 + number);
    let agent = SCRIPTS.get(usize::try_from(number % 4).unwrap_or(0));
    (
        Ip::from(IpAddr::V4(address)),
        agent.copied().unwrap_or_default(),
    )
}
