//! Katalon's status rules, folded while the log streams by.
//!
//! The tree of suite, tests, called tests and steps is never kept: only the open nodes are, and
//! each holds just what its parent will need (`AbstractLogRecord`, `TestCaseLogRecord` and
//! `TestStepLogRecord` of Katalon's framework):
//!
//! 1. a node that is open when the log ends is INCOMPLETE;
//! 2. else the last of its own messages with a result level decides;
//! 3. else the first of its steps (and, in a step, of its called tests that are not optional) that
//!    is ERROR, FAILED or INCOMPLETE decides;
//! 4. a step with `isIgnoredIfFailed` is never bad for its parent (nor is one that holds just a
//!    NOT_RUN record).
//!
//! An END record closes what it names, and nothing where that is not open: in a log with a gap the
//! next test's END would else close this one, and a test whose failure stood in the gap would pass.

use super::failure::{Failure, LONGEST_TEXT};
use super::record::{Level, RawRecord};
use crate::katalon::status::Status;

/// Nodes deeper than this are counted and take no part in the status; Katalon's own nest a few
/// dozen levels.
const DEEPEST: usize = 512;
/// From this depth on texts are cut shorter, so that the open nodes hold a bounded number of bytes.
const DEEP: usize = 24;
/// A test and the steps directly in it, whose texts become those of the result.
const SHALLOW: usize = 4;
const LONGEST_STEP_TEXT: usize = 256 * 1024;
const LONGEST_DEEP_TEXT: usize = 16 * 1024;

/// A status and the texts of the record that gave it.
#[derive(Clone, Debug)]
pub(super) struct NodeResult {
    /// The status.
    pub status: Status,
    /// Its texts; empty for a test that passed.
    pub failure: Failure,
}

/// What an open node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NodeKind {
    /// The suite.
    Suite,
    /// A test; directly below the suite it is a result, elsewhere a called test.
    Test {
        /// Whether its failure does not matter to the step that called it.
        optional: bool,
    },
    /// A keyword, a listener, a set-up or a tear-down.
    Step {
        /// `isIgnoredIfFailed`.
        ignored: bool,
    },
}

#[derive(Clone, Debug)]
struct Node {
    kind: NodeKind,
    /// Id of a test, which its END names.
    test: Option<String>,
    /// What the last of its own messages says.
    message: Option<NodeResult>,
    /// What its first bad child says.
    child: Option<NodeResult>,
}

impl Node {
    /// What the node says to its parent; `None` stands for PASSED.
    fn result(self) -> Option<NodeResult> {
        self.message.or(self.child)
    }
}

/// The open nodes, outermost first.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    open: Vec<Node>,
    /// Open nodes below the deepest that is kept.
    too_deep: usize,
}

/// What closing a node means.
#[derive(Debug)]
pub(super) enum Closed {
    /// A node below a result was closed.
    Inner,
    /// A child of the suite was closed; `None` stands for PASSED.
    BelowSuite(Option<NodeResult>),
    /// The suite was closed, or there is nothing open.
    Suite,
}

impl Tree {
    /// How many nodes are open.
    pub(super) const fn depth(&self) -> usize {
        self.open.len() + self.too_deep
    }

    /// Whether a node deeper than 512 levels is open.
    pub(super) const fn is_too_deep(&self) -> bool {
        self.too_deep > 0
    }

    /// Opens a node inside the innermost one.
    pub(super) fn push(&mut self, kind: NodeKind) {
        self.push_named(kind, None);
    }

    /// Opens a test inside the innermost node.
    pub(super) fn push_test(&mut self, optional: bool, id: &str) {
        self.push_named(NodeKind::Test { optional }, Some(id.to_owned()));
    }

    fn push_named(&mut self, kind: NodeKind, test: Option<String>) {
        if self.open.len() < DEEPEST {
            self.open.push(Node {
                kind,
                test,
                message: None,
                child: None,
            });
        } else {
            self.too_deep += 1;
        }
    }

    /// Takes a message of the innermost node; messages of the suite itself mean nothing.
    pub(super) fn message(&mut self, record: &RawRecord) {
        // WARNING and NOT_RUN decide nothing: with that all 1,469 runs that could be compared have
        // the statuses of Katalon's report (`files.md` §4).
        let status = match record.level {
            Level::Passed => Status::Passed,
            Level::Failed => Status::Failed,
            Level::Error => Status::Error,
            Level::Incomplete => Status::Incomplete,
            Level::Skipped => Status::Skipped,
            Level::Start | Level::End | Level::RunData | Level::Other => return,
        };

        let limit = match self.open.len() {
            depth if depth <= SHALLOW => LONGEST_TEXT,
            depth if depth <= DEEP => LONGEST_STEP_TEXT,
            _ => LONGEST_DEEP_TEXT,
        };

        let Some(innermost) = self.open.last_mut() else {
            return;
        };

        // Below the deepest node it would be taken for a message of another one.
        if innermost.kind == NodeKind::Suite || self.too_deep > 0 {
            return;
        }

        let failure = if status == Status::Passed {
            Failure::default()
        } else {
            Failure::of(record, limit)
        };
        innermost.message = Some(NodeResult { status, failure });
        // Its own message decides whatever the children said, so theirs need no memory.
        innermost.child = None;
    }

    /// Whether the innermost node is a step.
    pub(super) fn is_in_step(&self) -> bool {
        let innermost = self.open.last();
        self.too_deep > 0
            || innermost.is_some_and(|node| matches!(node.kind, NodeKind::Step { .. }))
    }

    /// Lets go of what is open inside the innermost test with this id, or of any where its END
    /// names none: those ENDs are lost, and what they would have said with them. `false` when no
    /// such test is open.
    pub(super) fn leave_to_test(&mut self, id: Option<&str>) -> bool {
        let test = self.open.iter().rposition(|node| match id {
            Some(id) => node.test.as_deref() == Some(id),
            None => node.test.is_some(),
        });
        let Some(test) = test else {
            return false;
        };

        self.too_deep = 0;
        self.open.truncate(test + 1);
        true
    }

    /// Lets go of everything that is open inside the suite.
    pub(super) fn leave_to_suite(&mut self) {
        self.too_deep = 0;
        self.open.truncate(1);
    }

    /// Closes the innermost node and folds it into its parent.
    pub(super) fn pop(&mut self) -> Closed {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return Closed::Inner;
        }

        let Some(node) = self.open.pop() else {
            return Closed::Suite;
        };
        let Some(parent) = self.open.last_mut() else {
            return Closed::Suite;
        };

        if parent.kind == NodeKind::Suite {
            return Closed::BelowSuite(node.result());
        }
        // The first bad child counts, and none where the parent has a message of its own.
        let is_undecided = parent.message.is_none() && parent.child.is_none();
        if is_undecided && counts(parent.kind, node.kind) {
            parent.child = node
                .result()
                .filter(|result| !matches!(result.status, Status::Passed | Status::Skipped));
        }
        Closed::Inner
    }
}

/// Whether a child's failure is its parent's.
fn counts(parent: NodeKind, child: NodeKind) -> bool {
    match (parent, child) {
        (_, NodeKind::Step { ignored }) => !ignored,
        (NodeKind::Step { .. }, NodeKind::Test { optional }) => !optional,
        // Of a test only steps count, by Katalon's rule; a called test always stands inside a step.
        (_, NodeKind::Test { .. } | NodeKind::Suite) => false,
    }
}
