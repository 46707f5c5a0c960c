//! Why a state folder is not used, and the command that mends it.
//!
//! Whoever decides what lies in the state folder decides what kado sends, which files it deletes
//! and through which links it writes. So it belongs to kado's account, root or the machine's
//! service, nobody else may write to it, and nothing of kado's in it is a link or stands for
//! something else.

use std::io;
use std::path::PathBuf;

use crate::shell_word::single_quoted;

/// Why kado does not use a state folder.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum StateDirRefusal {
    /// The folder, a link in its place, or something of kado's in it belongs to somebody else.
    #[error(
        "`{}` belongs to {owner}, who could exchange what lies there; {}", path.display(), self.remedy()
    )]
    OfAnother {
        /// What belongs to somebody else.
        path: PathBuf,
        /// To whom.
        owner: String,
    },
    /// Others may write to the folder.
    #[error(
        "others can write to it ({permissions}), so what lies in it may be theirs; {}", self.remedy()
    )]
    Writable {
        /// Its permissions, in words.
        permissions: String,
        /// The command that closes it.
        command: String,
    },
    /// Something lies where kado keeps something of another kind.
    #[error("`{}` is {found}, not {wanted} of kado's; {}", path.display(), self.remedy())]
    Misplaced {
        /// Where.
        path: PathBuf,
        /// What is there.
        found: &'static str,
        /// What kado makes there.
        wanted: &'static str,
    },
}

impl StateDirRefusal {
    /// What a person does about it.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::OfAnother { path, .. } if cfg!(windows) => format!(
                "run kado as that account, or look at what lies there and give it to the \
                 administrators: `icacls \"{}\" /setowner *S-1-5-32-544`",
                path.display()
            ),

            Self::OfAnother { path, .. } => format!(
                "run kado as that account, or look at what lies there and give it to the one that \
                 runs kado: `sudo chown ACCOUNT {}`",
                single_quoted(path.display())
            ),
            Self::Writable { command, .. } => format!(
                "look at what lies in it, then close it: `{command}`; where it is a volume that has \
                 to stay open, set `state_dir` to a folder in it that kado makes"
            ),
            Self::Misplaced { path, .. } => {
                format!("remove it: `rm {}`", single_quoted(path.display()))
            }
        }
    }
}

impl From<StateDirRefusal> for io::Error {
    fn from(refusal: StateDirRefusal) -> Self {
        Self::other(refusal)
    }
}
