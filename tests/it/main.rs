//! The integration tests.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests lay out folders, start programs and fail by panicking"
)]

mod agents;
mod answers;
mod attachments;
mod automation;
mod backlog;
mod bell;
mod certificates;
mod checking;
mod collections;
mod collections_once;
mod config;
mod configurations;
mod container;
mod corpus;
mod corpus_ids;
mod corpus_settings;
mod corpus_submitted;
mod crash;
mod damages;
mod disk;
mod documents;
mod door;
mod dry_run;
mod entra;
mod exec;
mod faults;
mod federated;
mod filling;
mod first_sweep;
mod foreign_texts;
mod history;
mod hostile;
mod identity;
mod ids;
mod ids_from;
mod impostors;
mod in_flight;
mod inspect;
mod inspecting;
#[cfg(target_os = "linux")]
mod installed;
mod iterations;
mod katalon_submits;
mod katalonc_options;
mod layers;
mod ledger;
mod links;
mod listing;
mod live;
mod live_surroundings;
mod live_watched;
#[cfg(target_os = "linux")]
mod many_names;
mod map;
mod memory;
mod metrics;
mod modes;
mod naming;
mod notifications;
mod once;
mod order;
mod page;
mod page_actions;
mod page_events;
mod pages;
mod parity;
mod pipeline;
mod plans;
mod plans_by_name;
mod points;
mod project_file;
mod proxies;
mod reading;
mod recordings;
mod recount;
mod redaction;
mod refused;
mod renamed;
mod rules;
mod secrets;
mod servers;
mod servers_apart;
mod service;
mod settings_file;
mod setup_corpus;
mod setup_identities;
mod setup_machine;
mod setup_project;
mod setup_refused;
#[cfg(target_os = "linux")]
mod setup_service;
#[cfg(target_os = "linux")]
mod setup_typed;
mod setup_whole_way;
mod shares;
mod silence;
mod slow_files;
mod soak;
mod spool;
mod state_folder;
mod status;
mod submit;
mod support;
mod support_file;
mod ten_machines;
#[cfg(target_os = "linux")]
mod terminal;
mod texts;
mod times;
mod tokens;
mod transport;
mod unreadable;
mod upgrade;
mod url_secrets;
mod verifying;
mod videos;
mod watched_tree;
mod watching;
mod why;
mod wiped;
mod witnesses;
mod workspaces;
