//! A run of which no test has an Azure DevOps id: nobody can want anything of it to be sent.

use std::collections::BTreeSet;

use crate::plan::options::Unmapped;
use crate::plan::snapshot::Snapshot;
use crate::plural::{counted, form};

/// Whether it is certain that no test of a run has an id, and that this is no mistake: what is
/// damaged can have held tests with ids, and `unmapped = "fail"` wants ids everywhere.
pub(crate) fn is_without_ids(snapshot: &Snapshot) -> bool {
    let run = &snapshot.run;
    let is_whole = run.damage.is_empty() && run.differences.is_empty();
    is_whole && snapshot.options.unmapped == Unmapped::Ignore && !has_ids(snapshot)
}

/// Whether a test of a run has an id, or what should be one, or a file that may hold one.
fn has_ids(snapshot: &Snapshot) -> bool {
    snapshot.run.tests.iter().any(|test| {
        let ids = snapshot.cases.get(&test.id);
        ids.is_some_and(|case| case.azure_ids.is_some() || case.damage.is_some())
    })
}

/// Why no test of a run has an id, and what would change that; `id` is that of its submission.
pub(crate) fn reason_without_ids(snapshot: &Snapshot, id: i64) -> String {
    let test_cases: BTreeSet<&str> = snapshot.run.tests.iter().map(|test| &*test.id).collect();

    let without_file = test_cases
        .iter()
        .filter(|test_case| !snapshot.cases.contains_key(**test_case))
        .count();

    // Ids lie in the files, so without a file nobody knows whether there were any.
    let all = counted(test_cases.len(), "test case");
    if test_cases.is_empty() {
        format!("no test ran, so there is nothing to submit; `kado runs retry {id}` looks again")
    } else if without_file == 0 {
        format!(
            "no test of this run has an Azure DevOps test case id; `kado map suggest` proposes ids, \
             and the Integration tab of a test case takes them; then `kado runs retry {id}`"
        )
    } else if without_file == test_cases.len() {
        format!(
            "no test case of this run has a `.tc` file in the project any more, so their Azure \
             DevOps ids are unknown; were they renamed or deleted? Put the files back, then \
             `kado runs retry {id}`"
        )
    } else {
        format!(
            "no test of this run has an Azure DevOps test case id: of {all} {without_file} {} no \
             `.tc` file any more, and the others no id; put the files back or enter ids on the \
             Integration tab, then `kado runs retry {id}`",
            form(without_file, "has", "have")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::damage::{Damage, DamageKind};
    use crate::katalon::log::NEWEST_PART;
    use crate::katalon::settings::AzureSettings;
    use crate::katalon::status::Status;
    use crate::plan::sample;

    /// A run of two tests whose files hold no ids.
    fn run_without_ids() -> Snapshot {
        let mut run = sample::run("Smoke", 0, 9000);
        run.tests = vec![
            sample::test("A", 0, &[Status::Passed]),
            sample::test("B", 0, &[Status::Failed]),
        ];
        sample::snapshot(run, &AzureSettings::default())
    }

    #[test]
    fn a_run_is_without_ids_only_where_nothing_may_have_held_one() {
        type Change = fn(&mut Snapshot);
        let changes: [(&str, Change); 4] = [
            ("an id", |run| {
                let with_id = sample::case_with_ids("1001");
                run.cases.insert("Test Cases/B".to_owned(), with_id);
            }),
            ("a damaged file", |run| {
                let case = run.cases.get_mut("Test Cases/B").unwrap();
                case.damage = Some(Damage::of("B.tc", DamageKind::Zeros));
            }),
            ("a damaged log", |run| {
                let log = NEWEST_PART;
                run.run.damage.push(Damage::of(log, DamageKind::BeginsLate));
            }),
            ("ids that are wanted", |run| {
                run.options.unmapped = Unmapped::Fail;
            }),
        ];

        assert!(is_without_ids(&run_without_ids()));
        for (what, change) in changes {
            let mut changed = run_without_ids();
            change(&mut changed);
            assert!(!is_without_ids(&changed), "{what}");
        }
    }

    #[test]
    fn the_reason_tells_what_to_do_by_what_is_missing() {
        let mut run = run_without_ids();

        let no_ids = reason_without_ids(&run, 7);
        run.cases.remove("Test Cases/A");
        let one_file_gone = reason_without_ids(&run, 7);
        run.cases.clear();
        let all_files_gone = reason_without_ids(&run, 7);
        run.run.tests.clear();
        let no_tests = reason_without_ids(&run, 7);

        assert!(no_ids.contains("`kado map suggest`"), "{no_ids}");
        assert!(
            one_file_gone.contains("of 2 test cases 1 has no `.tc` file any more"),
            "{one_file_gone}"
        );
        assert!(
            all_files_gone.contains("were they renamed or deleted?"),
            "{all_files_gone}"
        );
        assert!(no_tests.starts_with("no test ran"), "{no_tests}");
    }
}
