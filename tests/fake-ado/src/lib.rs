//! A stateful Azure DevOps world.
