//! Places of agents and homes on Linux and macOS.

/// Where agents are installed. Homes lie elsewhere.
pub(super) const PLACES: [&str; 6] = [
    "/srv",
    "/opt",
    "/agent",
    "/azp",
    "/azagent",
    "/var/lib/azagent",
];

/// Folders that hold homes.
pub(super) const OF_HOMES: [&str; 2] = ["/home", "/Users"];
/// The variable that names the own one.
pub(super) const HOME: &str = "HOME";
