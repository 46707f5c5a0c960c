use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn at(seconds: i64) -> Moment {
    // Far from the beginning of all time, so that days can be taken off.
    Moment::from_millis(1_800_000_000_000 + seconds * 1000)
}

fn run(id: u32, changed: Moment, comment: &str) -> TestRun {
    let run = serde_json::json!({
        "id": id, "name": "Run by Katalon Studio", "comment": comment,
        "lastUpdatedDate": changed.to_string(),
    });
    serde_json::from_value(run).expect("this is a run")
}

fn list(asked: i64, extent: Extent, runs: &[TestRun]) -> ToldRuns {
    ToldRuns {
        asked: at(asked),
        asked_on_server: at(asked),
        extent,
        runs: runs.iter().map(ToldRun::new).collect(),
    }
}

fn everything() -> Extent {
    Extent::Since(Moment::default())
}

/// What is remembered of a plan besides a list without runs.
fn besides(known: &KnownRuns, begin: Moment) -> Vec<u32> {
    let nothing = list(0, Extent::News(at(0)), &[]);
    let remembered = known.besides("Shop", 18, &nothing, KEY, begin);
    let mut ids: Vec<u32> = remembered
        .expect("the plan is remembered that far back")
        .into_iter()
        .map(|remembered| match remembered {
            Remembered::WithKey(id) => id,
            Remembered::Other(run) => run.id,
        })
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn what_is_not_known_is_asked_for_as_a_whole() {
    let known = KnownRuns::default();

    assert_eq!(known.ask_since("Shop", 18, at(-100), at(0)), None);
}

#[test]
fn a_second_search_asks_for_what_changed_since_the_last_change_and_a_little_before() {
    let known = KnownRuns::default();
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(-30), "")]));

    let since = known.ask_since("shop", 18, at(-1_000_000), at(1));

    assert_eq!(since, Some(at(-30).minus(LOOK_BACK)));
    assert_eq!(known.ask_since("Shop", 19, at(0), at(1)), None);
    assert_eq!(known.ask_since("Other", 18, at(0), at(1)), None);
}

#[test]
fn now_and_then_a_search_looks_back_by_as_much_as_a_request_takes() {
    let known = KnownRuns::default();
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(0), "")]));

    let sure = known.ask_since("Shop", 18, at(0), at(20));
    let failed = known.ask_since("Shop", 18, at(0), at(21));
    known.learn(
        "Shop",
        18,
        list(21, Extent::News(at(0).minus(LONG_LOOK_BACK)), &[]),
    );
    let next = known.ask_since("Shop", 18, at(0), at(39));

    assert_eq!(sure, Some(at(0).minus(LONG_LOOK_BACK)));
    assert_eq!(failed, sure, "a list that failed made nothing sure");
    assert_eq!(next, Some(at(0).minus(LOOK_BACK)));
}

#[test]
fn memory_that_was_taken_up_anew_and_goes_back_less_far_is_none() {
    let known = KnownRuns::default();
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(0), "")]));
    let news = list(1, Extent::News(at(0)), &[]);

    // By a search for a younger suite run, while the news were asked for.
    let younger = Extent::Since(at(-100));
    known.learn("Shop", 18, list(1, younger, &[run(1, at(0), "")]));

    assert!(known.besides("Shop", 18, &news, KEY, at(-101)).is_none());
    assert!(known.besides("Shop", 18, &news, KEY, at(-100)).is_some());
}

#[test]
fn a_list_is_believed_for_minutes_and_not_behind_a_clock_that_was_set_back() {
    let known = KnownRuns::default();
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(0), "")]));

    assert!(known.ask_since("Shop", 18, at(0), at(599)).is_some());
    assert_eq!(known.ask_since("Shop", 18, at(0), at(600)), None);
    assert_eq!(known.ask_since("Shop", 18, at(0), at(-1)), None);
}

#[test]
fn news_do_not_make_a_list_of_everything_younger() {
    let known = KnownRuns::default();
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(0), "")]));
    known.learn(
        "Shop",
        18,
        list(500, Extent::News(at(0)), &[run(2, at(500), "")]),
    );

    assert_eq!(known.ask_since("Shop", 18, at(0), at(600)), None);
}

#[test]
fn an_older_suite_run_than_the_list_goes_back_to_is_looked_for_as_a_whole() {
    let known = KnownRuns::default();
    let since = Extent::Since(at(-100));
    known.learn("Shop", 18, list(0, since, &[run(1, at(0), "")]));

    assert!(known.ask_since("Shop", 18, at(-100), at(1)).is_some());
    assert_eq!(known.ask_since("Shop", 18, at(-101), at(1)), None);
}

#[test]
fn a_change_in_the_future_hides_nothing_that_changes_before() {
    let known = KnownRuns::default();
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(9_000), "")]));

    let since = known.ask_since("Shop", 18, at(0), at(1));

    assert_eq!(since, Some(at(0).minus(LOOK_BACK)));
}

#[test]
fn a_plan_whose_runs_are_old_is_not_listed_anew() {
    let known = KnownRuns::default();
    let old = at(0).minus(100 * CLOCKS);
    known.learn("Shop", 18, list(0, everything(), &[run(1, old, "")]));

    let since = known.ask_since("Shop", 18, old, at(1));

    assert_eq!(since, Some(at(0).minus(CLOCKS + LOOK_BACK)));
}

#[test]
fn a_server_that_writes_no_times_is_asked_for_everything() {
    let known = KnownRuns::default();
    let mut undated = run(2, at(0), "by hand");
    undated.last_updated_date = None;
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(0), "")]));

    known.learn("Shop", 18, list(1, Extent::News(at(0)), &[undated]));

    assert_eq!(known.ask_since("Shop", 18, at(0), at(2)), None);
}

#[test]
fn runs_with_the_key_and_younger_ones_without_any_are_remembered() {
    let known = KnownRuns::default();
    let with_key = format!("kado:{KEY}  \nTest Suites/Smoke");
    let filled = format!("kado:aaaa {KEY} filled  \nby hand");
    let runs = [
        run(1, at(0), &with_key),
        run(2, at(0), "kado:aaaa  \nTest Suites/Smoke"),
        run(3, at(0), &filled),
        run(4, at(0), "by hand"),
        run(5, at(-50), "by hand"),
    ];

    known.learn("Shop", 18, list(0, everything(), &runs));

    assert_eq!(besides(&known, at(-10)), [1, 3, 4]);
}

#[test]
fn what_a_list_tells_takes_the_place_of_what_is_remembered() {
    let known = KnownRuns::default();
    let with_key = format!("kado:{KEY}");
    known.learn(
        "Shop",
        18,
        list(0, everything(), &[run(1, at(0), &with_key)]),
    );

    // A preview that was ended loses its key; an answer that was late does not bring it back.
    let news = [run(1, at(5), "kado:none")];
    known.learn("Shop", 18, list(5, Extent::News(at(0)), &news));
    let late = [run(1, at(0), &with_key)];
    known.learn("Shop", 18, list(4, Extent::News(at(0)), &late));

    assert_eq!(besides(&known, at(0)), [0; 0]);
}

#[test]
fn a_run_that_was_deleted_is_forgotten() {
    let known = KnownRuns::default();
    known.learn("Shop", 18, list(0, everything(), &[run(1, at(0), "")]));

    known.forget("shop", 1);

    assert_eq!(besides(&known, at(0)), [0; 0]);
    assert_eq!(known.plans()[&key("Shop", 18)].bytes, 0);
}

#[test]
fn news_of_a_plan_that_was_forgotten_are_no_list_of_it() {
    let known = KnownRuns::default();

    known.learn(
        "Shop",
        18,
        list(0, Extent::News(at(0)), &[run(1, at(0), "")]),
    );

    assert_eq!(known.ask_since("Shop", 18, at(0), at(1)), None);
}

#[test]
fn the_memory_for_runs_is_bounded() {
    let known = KnownRuns::default();
    let name = "x".repeat(MOST_BYTES / 4);
    for plan in 1..=5 {
        let mut long = run(1, at(0), "");
        long.name = Some(name.clone());
        known.learn("Shop", plan, list(0, everything(), &[long]));
    }

    assert!(known.plans().len() < 4);
}

/// What happens to a server, a second after what happened before.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody makes a run with the key or without one, which lists show so many seconds later.
    Made { has_key: bool, lag: i64 },
    /// Somebody changes one of the runs.
    Changed(prop::sample::Index),
    /// Nothing, for so many seconds.
    Quiet(i64),
    /// kado looks for the key.
    Search,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (any::<bool>(), 0..8_i64).prop_map(|(has_key, lag)| Event::Made { has_key, lag }),
        any::<prop::sample::Index>().prop_map(Event::Changed),
        (0..400_i64).prop_map(Event::Quiet),
        Just(Event::Search),
        Just(Event::Search),
    ]
}

/// A server whose lists lag.
#[derive(Default)]
struct Server {
    /// Each with the second in which lists show it.
    runs: BTreeMap<u32, (i64, TestRun)>,
}

impl Server {
    /// Ids count from 1.
    fn id_at(place: usize) -> u32 {
        1 + u32::try_from(place).expect("there are few runs")
    }

    fn change(&mut self, id: u32, now: Moment) {
        let (_, run) = self.runs.get_mut(&id).expect("the run was made");
        run.last_updated_date = Some(now.to_string());
    }

    fn list_since(&self, since: Moment, now: i64) -> Vec<TestRun> {
        let mut listed = Vec::new();
        for (shown, run) in self.runs.values() {
            if *shown <= now && run.changed() >= Some(since) {
                listed.push(run.clone());
            }
        }
        listed
    }
}

/// The runs that a search finds with memory, and what it asked the server for.
fn search(known: &KnownRuns, server: &Server, now: i64) -> (BTreeSet<u32>, Extent) {
    let begin = at(-1_000);
    let news = known.ask_since("Shop", 18, begin, at(now));
    let extent = news.map_or(Extent::Since(begin), Extent::News);
    let listed = server.list_since(news.unwrap_or(begin), now);

    let told = list(now, extent, &listed);
    let mut found: BTreeSet<u32> = listed.iter().map(|run| run.id).collect();
    if matches!(extent, Extent::News(_)) {
        let besides = known.besides("Shop", 18, &told, KEY, begin);
        for remembered in besides.expect("the plan is remembered that far back") {
            found.insert(match remembered {
                Remembered::WithKey(id) => id,
                Remembered::Other(run) => run.id,
            });
        }
    }
    known.learn("Shop", 18, told);
    (found, extent)
}

proptest! {
    #[test]
    fn a_search_with_memory_finds_whatever_a_list_of_everything_has(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let known = KnownRuns::default();
        let mut server = Server::default();
        let mut now = 0;

        for event in events {
            now += 1;
            match event {
                Event::Made { has_key, lag } => {
                    let id = Server::id_at(server.runs.len());
                    let comment = if has_key { format!("kado:{KEY}") } else { String::new() };
                    server.runs.insert(id, (now + lag, run(id, at(now), &comment)));
                }
                Event::Changed(which) => {
                    if !server.runs.is_empty() {
                        let id = Server::id_at(which.index(server.runs.len()));
                        server.change(id, at(now));
                    }
                }
                Event::Quiet(seconds) => now += seconds,
                Event::Search => {
                    let everything = server.list_since(at(-1_000), now);
                    let (found, _) = search(&known, &server, now);

                    let wanted: BTreeSet<u32> = everything.iter().map(|run| run.id).collect();
                    prop_assert_eq!(found, wanted);
                }
            }
        }
    }
}

#[test]
fn a_backlog_lists_everything_once_in_minutes() {
    let known = KnownRuns::default();
    let mut server = Server::default();
    let mut whole = 0;

    for id in 0..100 {
        let now = i64::from(id);
        server.runs.insert(id, (now, run(id, at(now), "kado:aaaa")));

        let (_, extent) = search(&known, &server, now);
        whole += usize::from(matches!(extent, Extent::Since(_)));
    }

    assert_eq!(whole, 1);
}
