//! Places of agents and homes on Windows.

/// Where agents are installed. Homes lie elsewhere.
pub(super) const PLACES: [&str; 6] = [
    r"C:\agent",
    r"C:\agents",
    r"C:\azagent",
    r"C:\vsts-agent",
    r"D:\agent",
    r"D:\a",
];

/// Folders that hold homes.
pub(super) const OF_HOMES: [&str; 1] = [r"C:\Users"];
/// The variable that names the own one.
pub(super) const HOME: &str = "USERPROFILE";
