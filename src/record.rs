//! From a run folder that is over to submissions in the outbox, with copies of its files in the
//! spool: what the service finds, and what a person asks for.
//!
//! Nothing in here lives only in memory for longer than the grace time of a run, and nothing is
//! removed before it is recorded: see [`recorder`] for what a restart or a wiped workspace costs.
//!
//! A run passes through several answers, each of which says what the one before it led to:
//!
//! | type | what it says | made by | read by |
//! |---|---|---|---|
//! | `Eligibility` | what the rules want of a run: submit, ignore, remember | `store` | `recorder` |
//! | `NotRead` | why a run that is over is not read now | `disk`, `recorder` | `handling` |
//! | `ReadFailure` | the same, or that the outbox fails | `disk`, `recorder` | `recorder` |
//! | `CollectionProgress` | how far a collection is | `collections` | `recorder` |
//! | `Occasion` | on whose word a run is recorded | `recorder`, `requests` | outbox |
//! | `RecordOutcome` | what that changed in the outbox | outbox | `recorder`, `requests` |
//! | `Handling` | what was done about a run that is due | `recorder`, `handling` | sweeper |
//! | `Again` | when a folder that cannot be read is read again | `handling` | sweeper |
//! | `FolderAnswer` | what became of a run folder, as it is stored | sweeper | `kado why` |

pub(crate) mod collections;
pub(crate) mod commands;
mod copies;
mod day_share;
pub(crate) mod disk;
pub(crate) mod handling;
pub(crate) mod recorder;
pub(crate) mod requests;
pub(crate) mod rules;
mod said_once;
mod store;

pub(crate) use collections::{MemberFolder, Unreadable, unreadable};
pub(crate) use commands::CommandClues;
pub(crate) use handling::NAMELESS;
pub(crate) use requests::carry_out;
pub(crate) use store::{eligibility_of, reason_left_out};
