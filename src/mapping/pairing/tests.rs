//! What is chosen, what is listed, and why.

#[cfg(test)]
use super::*;

fn title(id: u32, title: &str) -> AdoTitle<'_> {
    AdoTitle {
        id,
        title,
        automated_name: None,
        automated_storage: None,
        mapped_by: None,
    }
}

fn name(id: &str) -> KatalonName<'_> {
    KatalonName {
        id,
        name: id.rsplit('/').next().unwrap_or(id),
    }
}

/// Pairs with the usual least score.
fn paired(ids: &[&str], titles: &[AdoTitle<'_>]) -> Vec<Pairing> {
    let names: Vec<KatalonName<'_>> = ids.iter().map(|id| name(id)).collect();
    pairings(&names, titles, 0.9)
}

fn decision(id: &str, titles: &[AdoTitle<'_>]) -> PairingDecision {
    paired(&[id], titles).remove(0).decision
}

#[test]
fn each_way_finds_its_test_case() {
    let automated = AdoTitle {
        automated_name: Some("Pay"),
        automated_storage: Some("Test Cases/Shop/Pay"),
        ..title(1, "Buy something")
    };
    let titles = [
        automated,
        title(2, "Login"),
        title(3, "Check for policy: slip templates!"),
        title(4, "Sign in with a password that is wrong"),
        title(5, "Something else"),
    ];

    let pairings = paired(
        &[
            "Test Cases/Shop/Pay",
            "Test Cases/Login",
            "Test Cases/CheckForPolicySlip_Templates",
            "Test Cases/Sign in with password that is wrong",
            "Test Cases/Zebra",
        ],
        &titles,
    );

    let found: Vec<String> = pairings.iter().map(in_words).collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    Chosen(1) 1 its automated test in ADO
    Chosen(2) 0.99 the same title
    Chosen(3) 0.97 the same title but for punctuation and case
    Chosen(4) 0.95 the titles are alike
    Nothing
    ");
}

/// What was decided, and the best candidate.
fn in_words(pairing: &Pairing) -> String {
    let decision = format!("{:?}", pairing.decision);
    match pairing.candidates.first() {
        Some(best) => format!("{decision} {} {}", best.score, best.reason()),
        None => decision,
    }
}

#[test]
fn an_automated_test_of_the_same_name_in_another_place_is_another_one() {
    let titles = [AdoTitle {
        automated_name: Some("Pay"),
        automated_storage: Some("Test Cases/Bank/Pay"),
        ..title(1, "Transfer")
    }];

    assert_eq!(
        decision("Test Cases/Shop/Pay", &titles),
        PairingDecision::Nothing
    );
}

#[test]
fn the_surer_way_counts_before_others() {
    let titles = [
        title(1, "login"),
        title(2, "Login"),
        AdoTitle {
            automated_name: Some("Login"),
            ..title(3, "Enter")
        },
    ];

    assert_eq!(
        decision("Test Cases/Login", &titles[..2]),
        PairingDecision::Chosen(2)
    );
    assert_eq!(
        decision("Test Cases/Login", &titles),
        PairingDecision::Chosen(3)
    );
}

#[test]
fn of_two_that_fit_equally_none_is_chosen() {
    for titles in [
        [title(1, "Login"), title(2, "Login")],
        [title(1, "LOGIN"), title(2, "log-in")],
        [
            title(1, "Logins of the usual kind here"),
            title(2, "Login of the usual kind there"),
        ],
    ] {
        let wanted = if titles[0].title.len() > 10 {
            "Test Cases/Login of the usual kind here"
        } else {
            "Test Cases/Login"
        };

        assert_eq!(
            decision(wanted, &titles),
            PairingDecision::Ambiguous(vec![1, 2]),
            "{titles:?}"
        );
    }
}

#[test]
fn what_two_want_in_the_same_way_neither_gets() {
    let titles = [title(1, "Login")];

    let pairings = paired(&["Test Cases/A/Login", "Test Cases/B/Login"], &titles);

    assert_eq!(
        pairings[0].decision,
        PairingDecision::Contested {
            id: 1,
            others: vec!["Test Cases/B/Login".to_owned()]
        }
    );
    assert!(matches!(
        pairings[1].decision,
        PairingDecision::Contested { .. }
    ));
}

#[test]
fn who_wants_it_in_a_surer_way_gets_it() {
    let titles = [title(1, "Create an order")];

    let pairings = paired(
        &["Test Cases/Create an orders", "Test Cases/Create an order"],
        &titles,
    );

    assert!(matches!(
        pairings[0].decision,
        PairingDecision::Contested { .. }
    ));
    assert_eq!(pairings[1].decision, PairingDecision::Chosen(1));
}

#[test]
fn what_another_one_is_mapped_to_is_told_and_not_chosen() {
    let titles = [AdoTitle {
        mapped_by: Some("Test Cases/Old"),
        ..title(1, "Login")
    }];

    assert_eq!(
        decision("Test Cases/Login", &titles),
        PairingDecision::Taken {
            id: 1,
            by: "Test Cases/Old".to_owned()
        }
    );
}

#[test]
fn titles_that_are_alike_and_mean_two_things_are_not_chosen() {
    for (katalon, ado) in [
        ("TC001 Sign in as customer", "TC002 Sign in as customer"),
        (
            "Sign in with a valid password today",
            "Sign in with an invalid password today",
        ),
        (
            "The order is sent to the customer",
            "The order is not sent to the customer",
        ),
    ] {
        let pairing = paired(&[katalon], &[title(1, ado)]).remove(0);

        assert_eq!(pairing.decision, PairingDecision::Unsure, "{pairing:?}");
        assert!(pairing.candidates[0].objection.is_some(), "{pairing:?}");
    }
}

#[test]
fn a_score_below_the_wanted_one_is_listed() {
    let titles = [title(1, "Sign in as a customer")];
    let names = [name("Test Cases/Sign in as customer")];

    let careful = pairings(&names, &titles, 0.95).remove(0);
    let bold = pairings(&names, &titles, 0.8).remove(0);

    assert_eq!(careful.decision, PairingDecision::Unsure);
    assert_eq!(careful.candidates.len(), 1);
    assert_eq!(bold.decision, PairingDecision::Chosen(1));
}
