//! Maps the test cases of a Katalon project to those of Azure DevOps: what `kado map` does, apart
//! from its words and tables.
//!
//! `mapped_project` says which project is meant and reads it; `ado_cases` reads ADO's side in a few
//! requests, however many test cases there are. `pairing` (pure) proposes which belong together,
//! `entered_ids` and `csv_table` (pure) read what people write, `changes` writes ids into `.tc`
//! files: each change is prepared before the first one is made, so that what is wrong stops all of
//! them.
//!
//! Nothing is written but on a command that says so (invariant I9), and nothing is sent that
//! writes. What cannot be asked or written is an error with its exit code.

mod ado_cases;
mod case_index;
mod changes;
mod csv_table;
mod entered_ids;
mod mapped_project;
mod pairing;

pub(crate) use ado_cases::{AdoCases, CasePoint, CaseScope, WorkItemKind, why_no_test_case};
pub(crate) use case_index::CaseIndex;
pub(crate) use changes::{CaseChange, Wish, applied, is_katalon_at_work, prepared, tab_counts};
pub(crate) use csv_table::{LineProblem, TableRow, read_table, written_table};
pub(crate) use entered_ids::EnteredIds;
pub(crate) use mapped_project::{
    MappedProject, NoAnswer, chosen_root, project_here, suggest_command, watched_projects,
};
pub(crate) use pairing::{AdoTitle, KatalonName, Pairing, PairingDecision, pairings};
