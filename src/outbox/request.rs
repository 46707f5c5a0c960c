//! What the command line asks of a running service, through the database.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::discovery::filled_run::FilledRun;

/// A request of a person beside a running service.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Submit a run folder.
    Submit {
        /// The folder, as an absolute path.
        folder: String,
        /// Submit once more what was submitted already.
        again: bool,
        /// The test run that it is to fill.
        #[serde(default)]
        into: Option<FilledRun>,
    },
    /// Record a run that `kado exec` started.
    Claimed {
        /// Its folder, as an absolute path.
        folder: String,
        /// The test run that it is to fill.
        #[serde(default)]
        into: Option<FilledRun>,
    },
    /// Try a submission now.
    Retry {
        /// Its id.
        submission: i64,
        /// The test plan that it is to go to, whatever settings and options say.
        #[serde(default)]
        plan: Option<u32>,
        /// It is one of many that are tried again, and nobody looked at why it is parked.
        #[serde(default)]
        one_of_many: bool,
    },
    /// Never submit it by itself.
    Forget {
        /// Its id.
        submission: i64,
    },
}

/// As the log says it.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submit { folder, into, .. } => {
                write!(f, "submit `{folder}`")?;
                match into {
                    Some(filled) => write!(f, " into test run {}", filled.run),
                    None => Ok(()),
                }
            }
            Self::Claimed { folder, .. } => write!(f, "submit `{folder}` for `kado exec`"),
            Self::Retry { submission, .. } => write!(f, "retry {submission}"),
            Self::Forget { submission } => write!(f, "forget {submission}"),
        }
    }
}

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// Taken on; these submissions belong to it.
    Taken {
        /// Ids of submissions.
        submissions: Vec<i64>,
        /// What a person should know.
        note: Option<String>,
    },
    /// Not done, and why.
    Refused(String),
}
