//! The rules as a table: who is there, who asks, about whom.

use admintrail_event::Micros;
use admintrail_store::Identity;
use admintrail_store::control::{AccountId, ErasureId, Preferences};

use super::*;

const TOM: &str = "tom@hosting.example";

/// `owner marek`, `owner olena=tom@hosting.example` (says that it is that one), `disabled tom`.
fn account(words: &str) -> Arc<Account> {
    let (role, name) = words.split_once(' ').unwrap();
    let (name, me) = match name.split_once('=') {
        Some((name, me)) => (name, Some(me)),
        None => (name, None),
    };
    let identities = me.map(|admin| Identity {
        panel: None,
        admin: admin.to_owned(),
    });
    Arc::new(Account {
        id: AccountId(1),
        email: format!("{name}@hosting.example"),
        name: name.to_owned(),
        password_hash: None,
        role: if role == "viewer" {
            Role::Viewer
        } else {
            Role::Owner
        },
        disabled: role == "disabled",
        created: Micros(0),
        last_sign_in: None,
        identities: identities.into_iter().collect(),
        preferences: Preferences::default(),
    })
}

fn request(admin: Option<&str>, by: &str, state: ErasureState) -> StoredErasure {
    StoredErasure {
        id: ErasureId(1),
        admin: admin.map(str::to_owned),
        pseudonym: "erased-7f3a".to_owned(),
        requested_by: by.to_owned(),
        requested_at: Micros(0),
        approved_by: None,
        approved_at: None,
        reason: String::new(),
        blind: [0; 32],
        state,
        events: None,
        entry: None,
        done_at: None,
    }
}

/// `marek` is an account, `shell:root` is not.
fn by(name: &str) -> (bool, String) {
    if name.starts_with("shell:") {
        (false, name.to_owned())
    } else {
        (true, format!("{name}@hosting.example"))
    }
}

fn asked(accounts: &[&str], who: &str, admin: &str) -> Result<Approval, No> {
    let accounts: Vec<_> = accounts.iter().map(|words| account(words)).collect();
    let (is_account, name) = by(who);
    let by = if is_account {
        By::Account(&name)
    } else {
        By::Shell(&name)
    };
    let rules = Rules {
        accounts: &accounts,
        erasures: &[],
    };
    rules.may_ask(admin, by)
}

#[test]
fn who_may_ask_and_whether_another_has_to_agree() {
    use Approval::{Needed, NotNeeded};
    let mail = |name: &str| format!("{name}@hosting.example");
    let table: &[(&[&str], &str, Result<Approval, No>)] = &[
        (&["owner marek"], "marek", Ok(NotNeeded)),
        (&["owner marek", "viewer olena"], "marek", Ok(NotNeeded)),
        (&["owner marek", "owner olena"], "marek", Ok(Needed)),
        (&["owner marek", "owner olena"], "shell:root", Ok(Needed)),
        (&["owner marek", "disabled olena"], "marek", Ok(NotNeeded)),
        (&["owner marek", "disabled tom"], "marek", Ok(NotNeeded)),
        (
            &["owner marek", "owner olena", "disabled tom"],
            "olena",
            Ok(Needed),
        ),
        // Nobody has an account: the machine's owner decides.
        (&[], "shell:root", Ok(NotNeeded)),
        // Not an owner, or not any more, or nobody at all.
        (
            &["owner marek", "viewer olena"],
            "olena",
            Err(No::NotOwner(mail("olena"))),
        ),
        (
            &["owner marek", "disabled olena"],
            "olena",
            Err(No::NotOwner(mail("olena"))),
        ),
        (
            &["owner marek"],
            "nobody",
            Err(No::NotOwner(mail("nobody"))),
        ),
        // Oneself, by e-mail and by what one said of oneself.
        (&["owner tom", "owner olena"], "tom", Err(No::Yourself)),
        (
            &["owner marek=TOM@hosting.example", "owner olena"],
            "marek",
            Err(No::Yourself),
        ),
        // The only owner.
        (&["owner tom"], "tom", Err(No::OnlyOwner)),
        (
            &["owner tom", "viewer olena"],
            "shell:root",
            Err(No::OnlyOwner),
        ),
        (
            &["owner marek=tom@hosting.example"],
            "marek",
            Err(No::OnlyOwner),
        ),
        // Somebody who may still sign in.
        (
            &["owner marek", "viewer tom"],
            "marek",
            Err(No::HasAccount(mail("tom"))),
        ),
        (
            &["owner marek", "owner tom"],
            "marek",
            Err(No::HasAccount(mail("tom"))),
        ),
        // The other owner is the person.
        (
            &["owner marek", "owner olena=tom@hosting.example"],
            "marek",
            Err(No::NobodyToApprove),
        ),
        (
            &[
                "owner marek",
                "owner olena=tom@hosting.example",
                "owner eva",
            ],
            "marek",
            Ok(Needed),
        ),
    ];
    for (accounts, who, expected) in table {
        for admin in [TOM, "TOM@Hosting.example"] {
            assert_eq!(asked(accounts, who, admin), *expected, "{accounts:?} {who}");
        }
    }
}

#[test]
fn a_shell_user_is_a_person_too() {
    assert_eq!(asked(&[], "shell:root", "shell:root"), Err(No::Yourself));
}

#[test]
fn a_pseudonym_is_nobody_and_a_name_like_one_is_somebody() {
    for (admin, expected) in [
        ("erased-7f3a", true),
        ("erased-7f3a91", true),
        ("erased-7f3", false),
        ("erased-olena", false),
        ("erased-7f3a@hosting.example", false),
        ("Erased-7F3A", false),
    ] {
        assert_eq!(is_pseudonym(admin), expected, "{admin}");
    }
    let told = asked(&["owner marek"], "marek", "erased-7f3a");
    assert_eq!(told, Err(No::Pseudonym));
}

#[test]
fn two_requests_for_one_person_are_one_too_many() {
    let accounts = [account("owner marek")];
    for (state, admin, free) in [
        (ErasureState::Waiting, Some("Tom@hosting.example"), false),
        (ErasureState::Approved, Some(TOM), false),
        (ErasureState::Done, None, true),
        (ErasureState::Withdrawn, None, true),
    ] {
        let erasures = [Arc::new(request(admin, "marek@hosting.example", state))];
        let rules = Rules {
            accounts: &accounts,
            erasures: &erasures,
        };
        let told = rules.may_ask(TOM, By::Account("marek@hosting.example"));
        let expected = if free {
            Ok(Approval::NotNeeded)
        } else {
            Err(No::UnderWay)
        };
        assert_eq!(told, expected, "{state:?}");
    }
}

#[test]
fn who_may_approve_and_who_may_take_back() {
    let accounts = [
        account("owner marek"),
        account("owner olena"),
        account("owner eva=tom@hosting.example"),
        account("viewer kai"),
        account("disabled tom"),
    ];
    let waits = request(Some(TOM), "Marek@hosting.example", ErasureState::Waiting);
    let approved = request(Some(TOM), "Marek@hosting.example", ErasureState::Approved);
    let rules = Rules {
        accounts: &accounts,
        erasures: &[],
    };
    let no_owner = |name: &str| Err(No::NotOwner(format!("{name}@hosting.example")));
    for (who, approves, takes_back) in [
        ("marek", Err(No::AskedYourself), Ok(())),
        ("olena", Ok(()), Ok(())),
        ("OLENA", Ok(()), Ok(())),
        ("eva", Err(No::AboutYourself), Err(No::AboutYourself)),
        ("kai", no_owner("kai"), no_owner("kai")),
        ("tom", no_owner("tom"), no_owner("tom")),
    ] {
        let email = format!("{who}@hosting.example");
        assert_eq!(rules.may_approve(&waits, &email), approves, "{who}");
        let taken = rules.may_withdraw(&waits, By::Account(&email));
        assert_eq!(taken, takes_back, "{who}");
        assert_eq!(rules.may_approve(&approved, &email), Err(No::NotWaiting));
        let taken = rules.may_withdraw(&approved, By::Account(&email));
        assert_eq!(taken, Err(No::NotWaiting));
    }
    assert_eq!(rules.may_withdraw(&waits, By::Shell("shell:root")), Ok(()));

    let let_in_again = [account("owner olena"), account("viewer tom")];
    let rules = Rules {
        accounts: &let_in_again,
        erasures: &[],
    };
    let told = rules.may_approve(&waits, "olena@hosting.example");
    assert_eq!(told, Err(No::HasAccount(TOM.to_owned())));
}
