//! One file for each kind of step.

pub(super) mod attach;
pub(super) mod automation;
pub(super) mod complete;
pub(super) mod create;
mod fill;
pub(super) mod results;
mod unplanned;
