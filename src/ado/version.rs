//! The `api-version` of each call (`ado/openapi/VERSION-MATRIX.txt`).

/// The version that is tried first when the configuration names none: the released one of Services and Server 2022.1.
pub const DEFAULT: &str = "7.1";

/// The next older version that kado can speak; `None` below Server 2020.
pub fn older(version: &str) -> Option<&'static str> {
    match version {
        "7.1" => Some("7.0"),
        "7.0" => Some("6.0"),
        _ => None,
    }
}

/// Whether a refusal says that the server does not know the version (`VssVersionOutOfRangeException`).
pub fn is_unknown(message: &str) -> bool {
    message.contains("is out of range for this server")
}

/// Calls that have a version of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// `connectionData`: a preview in every version.
    ConnectionData,
    /// Attachments of runs and results.
    Attachments,
    /// Plans and configurations of the testplan area.
    TestPlan,
    /// `TestPoint` of the testplan area.
    TestPoint,
    /// The release area, which has a host of its own at Services.
    Release,
    /// Everything else that kado calls.
    Released,
}

/// The value of `api-version` for a call, when the server is spoken to with version `pinned`.
pub fn api_version(call: Call, pinned: &str) -> String {
    let old = matches!(pinned, "5.0" | "5.1" | "6.0");
    match call {
        Call::ConnectionData => format!("{pinned}-preview.1"),
        Call::Attachments | Call::TestPlan if old => format!("{pinned}-preview.1"),
        Call::TestPoint if old => format!("{pinned}-preview.2"),
        _ => pinned.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_an_old_server_has_only_as_a_preview_are_asked_for_as_such() {
        assert_eq!(api_version(Call::ConnectionData, "7.1"), "7.1-preview.1");
        assert_eq!(api_version(Call::TestPoint, "7.1"), "7.1");
        assert_eq!(api_version(Call::TestPoint, "6.0"), "6.0-preview.2");
        assert_eq!(api_version(Call::Attachments, "6.0"), "6.0-preview.1");
        assert_eq!(api_version(Call::Released, "6.0"), "6.0");
    }
}
