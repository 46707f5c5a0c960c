//! What a file of a run folder is, by its name.

use crate::katalon::run::FileKind;

impl FileKind {
    /// What a file of a run folder is, by its path relative to the folder.
    pub fn of(path: &str) -> Self {
        // By its whole name: `console0.log`, `appium.log` and others may lie beside Katalon's log.
        if log_number(path).is_some() {
            return Self::Log;
        }

        // What systems and office programs lay beside a file is none of the run's.
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with("._") || name.starts_with("~$") {
            return Self::Other;
        }

        let Some((_, extension)) = path.rsplit_once('.') else {
            return Self::Other;
        };
        match extension.to_ascii_lowercase().as_str() {
            "png" => Self::Png,
            "html" | "htm" => Self::Html,
            "pdf" => Self::Pdf,
            "csv" => Self::Csv,
            "avi" | "webm" | "mp4" | "mov" | "srt" => Self::Video,
            _ => Self::Other,
        }
    }
}

/// The number in `execution<digits>.log`; a path with a folder in it is no such name.
pub(crate) fn log_number(path: &str) -> Option<u64> {
    let digits = path.strip_prefix("execution")?.strip_suffix(".log")?;
    // `parse` alone would also take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
