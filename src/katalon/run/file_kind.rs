//! What a file of a run folder is, by its name.

use crate::katalon::run::FileKind;

impl FileKind {
    /// What a file of a run folder is, by its path relative to the folder.
    pub fn of(path: &str) -> Self {
        if log_number(path).is_some() {
            return Self::Log;
        }
        match path
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase())
            .as_deref()
        {
            Some("png") => Self::Png,
            Some("html" | "htm") => Self::Html,
            Some("pdf") => Self::Pdf,
            Some("csv") => Self::Csv,
            _ => Self::Other,
        }
    }
}

/// The number in `execution<digits>.log`; a path with a folder in it is no such name.
pub fn log_number(path: &str) -> Option<u64> {
    let digits = path.strip_prefix("execution")?.strip_suffix(".log")?;
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok())?
}
