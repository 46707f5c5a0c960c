//! The run folders that lie there, counted by what became of them: the numbers add up. Pure.

use crate::discovery::eligibility::History;
use crate::plural::counted;

/// What became of a run folder, all told: by the rows of its run, or without any by what was seen
/// of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Submitted before the moment that is asked about.
    SubmittedBefore,
    /// Submitted since.
    SubmittedNow,
    /// Waits for its turn, or for the end of its grace time.
    Pending,
    /// Needs a person.
    Parked,
    /// Not to be submitted.
    Ignored,
    /// Older than the history.
    Older,
    /// Its suite is queued or runs.
    Running,
    /// It cannot be read.
    Unread,
}

impl Standing {
    const ALL: [Self; 8] = [
        Self::SubmittedBefore,
        Self::SubmittedNow,
        Self::Pending,
        Self::Parked,
        Self::Ignored,
        Self::Older,
        Self::Running,
        Self::Unread,
    ];

    /// In the words of a sentence about several folders.
    const fn words(self, history: History) -> &'static str {
        match self {
            Self::SubmittedBefore => "submitted before",
            Self::SubmittedNow => "submitted now",
            Self::Pending => "pending",
            Self::Parked => "parked",
            Self::Ignored => "ignored",
            Self::Older => match history {
                History::New => "older than the first look (history)",
                History::Since(_) | History::All => "older than the history",
            },
            Self::Running => "still running",
            Self::Unread => "not readable",
        }
    }
}

/// How many run folders have which standing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct RunFolders {
    by_standing: [usize; Standing::ALL.len()],
    /// Runs that one call submitted and that lie in none of these folders any more.
    pub sent_without_folder: usize,
    /// Runs that were submitted before a call, and to which it added files.
    pub completed: usize,
}

impl RunFolders {
    /// Counts one more.
    pub(crate) fn add(&mut self, standing: Standing) {
        self.by_standing[standing as usize] += 1;
    }

    /// How many there are in all.
    pub(crate) fn seen(&self) -> usize {
        self.by_standing.iter().sum()
    }

    /// How many have one of these standings.
    pub(crate) fn count(&self, standings: &[Standing]) -> usize {
        standings
            .iter()
            .map(|standing| self.by_standing[*standing as usize])
            .sum()
    }

    /// All numbers that are not zero, in one line; nothing is told apart by when it was submitted.
    pub(crate) fn line(&self, history: History) -> String {
        self.behind_their_sum(&self.answers(history))
    }

    /// The same without their sum.
    pub(crate) fn answers(&self, history: History) -> String {
        let mut parts = Vec::new();
        let submitted = self.count(&[Standing::SubmittedBefore, Standing::SubmittedNow]);
        if submitted > 0 {
            parts.push(format!("{submitted} submitted"));
        }

        for standing in Standing::ALL {
            if !matches!(standing, Standing::SubmittedBefore | Standing::SubmittedNow) {
                parts.extend(self.part(standing, history));
            }
        }
        parts.join(", ")
    }

    /// As [`RunFolders::line`] for one call, which tells what was submitted before it from what it
    /// submitted, and what else it sent.
    pub(crate) fn line_of_call(&self, history: History) -> String {
        let mut parts = Vec::new();
        for standing in Standing::ALL {
            parts.extend(self.part(standing, history));
        }
        let mut line = self.behind_their_sum(&parts.join(", "));

        if self.sent_without_folder > 0 {
            let runs = counted(self.sent_without_folder, "run");
            line.push_str(&format!(
                "; {runs} submitted now whose folder is gone or not watched"
            ));
        }
        if self.completed > 0 {
            let runs = counted(self.completed, "run");
            line.push_str(&format!("; files added to {runs} submitted before"));
        }
        line
    }

    fn part(&self, standing: Standing, history: History) -> Option<String> {
        match self.by_standing[standing as usize] {
            0 => None,
            count => Some(format!("{count} {}", standing.words(history))),
        }
    }

    fn behind_their_sum(&self, parts: &str) -> String {
        let folders = counted(self.seen(), "run folder");
        if parts.is_empty() {
            folders
        } else {
            format!("{folders}: {parts}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_leaves_out_what_there_is_none_of_and_adds_up() {
        let mut folders = RunFolders::default();
        assert_eq!(folders.line_of_call(History::New), "0 run folders");

        for (standing, count) in [
            (Standing::SubmittedBefore, 8),
            (Standing::SubmittedNow, 2),
            (Standing::Older, 1),
            (Standing::Unread, 1),
        ] {
            for _ in 0..count {
                folders.add(standing);
            }
        }

        assert_eq!(
            folders.line_of_call(History::New),
            "12 run folders: 8 submitted before, 2 submitted now, 1 older than the first look \
             (history), 1 not readable"
        );
        folders.sent_without_folder = 2;
        folders.completed = 1;
        assert!(
            folders.line_of_call(History::New).ends_with(
                "1 not readable; 2 runs submitted now whose folder is gone or not watched; files \
                 added to 1 run submitted before"
            ),
            "{folders:?}"
        );
        assert_eq!(
            folders.line(History::All),
            "12 run folders: 10 submitted, 1 older than the history, 1 not readable"
        );
    }
}
