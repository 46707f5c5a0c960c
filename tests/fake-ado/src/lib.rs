//! A stateful Azure DevOps (ADO) Test Plans world over real HTTP.
//!
//! Purpose: kado's tests and its demo talk to something that answers, remembers and refuses as
//! Azure DevOps does. [`World`] is what exists (projects, plans, points, runs), [`FakeAdo`] serves
//! it on a port of this machine, [`Fault`] makes single requests go wrong.
//!
//! What is not known about the real service is a switch in [`Settings`].

mod answer;
#[cfg(test)]
#[cfg(feature = "schema")]
mod answers_fit;
mod api;
mod auth;
mod body;
mod control;
mod entra;
mod faults;
mod flavour;
mod katalon;
mod look_up;
mod model;
#[cfg(not(feature = "schema"))]
mod no_schema;
mod page;
mod query;
mod record;
mod route;
mod runs_model;
#[cfg(feature = "schema")]
mod schema;
mod scopes;
mod server;
mod service;
mod settings;
mod site;
mod world;

pub use entra::{Entra, IssuedToken};
pub use faults::{Fault, FaultAction, Nth, Refusal};
pub use flavour::Flavour;
pub use katalon::KatalonUpload;
pub use model::{
    Build, Configuration, Definition, Plan, Point, Project, Release, Stage, Suite, WorkItem,
};
pub use record::RecordedRequest;
pub use runs_model::{Attachment, RunBuild, SubResult, TestResult, TestRun};
pub use server::FakeAdo;
pub use settings::Settings;
pub use world::World;
