//! The `api-version` of each call (`ado/openapi/VERSION-MATRIX.txt`).

/// The version that is tried first when the configuration names none: the released one of Services
/// and Server 2022.1.
pub(super) const DEFAULT: &str = "7.1";

/// The next older version that kado can speak; `None` below Server 2019. Server 2019 Update 1 knows
/// 5.1 and is spoken to with 5.0 like 2019, because nothing that kado needs is new in it.
pub(super) fn older(version: &str) -> Option<&'static str> {
    match version {
        "7.1" => Some("7.0"),
        "7.0" => Some("6.0"),
        "6.0" => Some("5.0"),
        _ => None,
    }
}

/// Whether a server spoken to with this version is older than 2020: points are then to be had suite
/// by suite only, and new runs take neither tags nor a pipeline reference (`ado/api.md` §1, §4).
pub(super) fn is_before_2020(version: &str) -> bool {
    version.starts_with("5.")
}

/// Whether a refusal says that the server does not know the version
/// (`VssVersionOutOfRangeException`).
pub(super) fn is_unknown(message: &str) -> bool {
    message.contains("is out of range for this server")
}

/// Where the version comes from that a server is spoken to with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum VersionOrigin {
    /// `azure.api_version`.
    Configured,
    /// The newest one that the server turned out to know.
    FoundOut,
}

/// What mends that the server does not know a version, in words that go behind its own.
pub(super) const fn way_out(origin: VersionOrigin) -> &'static str {
    match origin {
        VersionOrigin::Configured => {
            "without `azure.api_version` kado finds out the version that the server knows"
        }
        VersionOrigin::FoundOut => {
            "kado needs Azure DevOps Services, or Azure DevOps Server 2019 or later"
        }
    }
}

/// Calls that have a version of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Call {
    /// `connectionData`: a preview in every version.
    ConnectionData,
    /// Attachments of runs and results.
    Attachments,
    /// Plans, suites and configurations of the testplan area.
    TestPlan,
    /// `TestPoint` of the testplan area.
    TestPoint,
    /// The release area, which has a host of its own at Services.
    Release,
    /// Everything else that kado calls.
    Released,
}

/// The last version that Microsoft has released.
const RELEASED: (u32, u32) = (7, 1);

/// The value of `api-version` for a call, when the server is spoken to with version `pinned`, a
/// number such as `7.1`.
pub(super) fn api_version(call: Call, pinned: &str) -> String {
    let number = number(pinned);
    // Nothing of a version after the last one that was released is released.
    if number > RELEASED {
        return format!("{pinned}-preview");
    }

    // A plain number for what is only a preview at that version is refused with 400 (`ado/api.md`
    // §1).
    let is_old = number < (7, 0);
    match call {
        Call::ConnectionData => format!("{pinned}-preview.1"),
        Call::Attachments | Call::TestPlan if is_old => format!("{pinned}-preview.1"),
        Call::TestPoint if is_old => format!("{pinned}-preview.2"),
        _ => pinned.to_owned(),
    }
}

/// Major and minor number; what cannot be read counts as the released one.
fn number(version: &str) -> (u32, u32) {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    (
        major.parse().unwrap_or(RELEASED.0),
        minor.parse().unwrap_or(RELEASED.1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of `ado/openapi/VERSION-MATRIX.txt` that kado calls, and versions that only
    /// `azure.api_version` can name.
    #[test]
    fn every_call_is_asked_for_in_the_form_that_the_version_has() {
        let calls = [
            Call::Released,
            Call::Release,
            Call::Attachments,
            Call::TestPlan,
            Call::TestPoint,
            Call::ConnectionData,
        ];
        let mut table = Vec::new();
        for version in ["5.0", "6.0", "6.1", "7.0", "7.1", "7.2", "8.0"] {
            let row = calls.map(|call| format!("{:14}", api_version(call, version)));
            table.push(row.concat().trim_end().to_owned());
        }

        insta::assert_snapshot!(table.join("\n"), @r"
        5.0           5.0           5.0-preview.1 5.0-preview.1 5.0-preview.2 5.0-preview.1
        6.0           6.0           6.0-preview.1 6.0-preview.1 6.0-preview.2 6.0-preview.1
        6.1           6.1           6.1-preview.1 6.1-preview.1 6.1-preview.2 6.1-preview.1
        7.0           7.0           7.0           7.0           7.0           7.0-preview.1
        7.1           7.1           7.1           7.1           7.1           7.1-preview.1
        7.2-preview   7.2-preview   7.2-preview   7.2-preview   7.2-preview   7.2-preview
        8.0-preview   8.0-preview   8.0-preview   8.0-preview   8.0-preview   8.0-preview
        ");
    }

    #[test]
    fn an_unknown_version_leads_down_to_server_2019_and_no_further() {
        let path: Vec<_> = std::iter::successors(Some(DEFAULT), |version| older(version)).collect();
        assert_eq!(path, ["7.1", "7.0", "6.0", "5.0"]);
    }
}
