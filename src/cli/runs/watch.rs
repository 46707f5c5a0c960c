//! `kado runs --watch`: the list, shown anew whenever it is another one.

use std::io::Write as _;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::filter::Filter;
use super::{listed, live_suites, print_list, print_live};
use crate::cli::json::OutputForm;
use crate::cli::runtime::runtime;
use crate::cli::terminal::Screen;
use crate::config::Config;
use crate::daemon;
use crate::exit::Exit;
use crate::outbox::lock::NextTry;

/// How often it is looked whether the list changed.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Shows the list until a signal asks to end, which is no failure. At a terminal the new list takes
/// the place of the old one; elsewhere it follows it, behind an empty line.
pub(super) fn watch(
    filter: &Filter,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let runtime = runtime()?;
    let stop = CancellationToken::new();
    runtime.block_on(async { daemon::stop_on_signal(stop.clone()) })?;

    let mut shown = None;
    while !stop.is_cancelled() && !out.is_closed() {
        let rows = listed(filter, config, out)?;
        let live = live_suites(filter, config)?;
        let now = (rows, live);
        if shown.as_ref() != Some(&now) {
            let (rows, live) = &now;
            out.begin_anew(shown.is_some())?;
            if rows.is_empty() {
                out.sentence(0, filter.nothing())?;
            } else {
                print_list(
                    rows,
                    NextTry::look(&config.state_dir),
                    OutputForm::Text,
                    out,
                )?;
            }
            print_live(live, out)?;
            out.flush()?;
            shown = Some(now);
        }

        runtime.block_on(async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            }
        });
    }
    Ok(Exit::Done)
}
