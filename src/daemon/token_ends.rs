//! Says in the log when a token ends: 14 days ahead, 3 days ahead, on its last day, and when it is
//! over, each once. Nobody looks at a status as long as all is well.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::blocking::blocking;
use crate::clock;
use crate::config::Config;
use crate::config::expiry::{EndStage, TokenEnd};
use crate::connect;

/// How often it is looked whether the calendar or a certificate went on.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60 * 60);

/// What was said, by where the end stands; another day there is another end.
#[derive(Default)]
struct Told(HashMap<String, (jiff::civil::Date, EndStage)>);

/// Says it until `stop`.
pub(super) async fn tell(mut config: watch::Receiver<Arc<Config>>, stop: CancellationToken) {
    let mut told = Told::default();
    while !stop.is_cancelled() {
        let current = Arc::clone(&config.borrow_and_update());
        let ends = blocking(move || connect::token_ends(&current, clock::today())).await;
        // The program is ending.
        let Ok(ends) = ends else { return };

        for end in told.news(ends) {
            let remedy = end.remedy();
            if end.stage() == Some(EndStage::Over) {
                tracing::error!(%end, remedy, "a token ended");
            } else {
                tracing::warn!(%end, remedy, "a token ends soon");
            }
        }

        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            changed = config.changed() => if changed.is_err() { return },
        }
    }
}

impl Told {
    /// Those that became more urgent than they were when they were said last.
    fn news(&mut self, ends: Vec<TokenEnd>) -> Vec<TokenEnd> {
        let before = std::mem::take(&mut self.0);
        let mut news = Vec::new();
        for end in ends {
            let Some(stage) = end.stage() else { continue };
            let said = (end.day, stage);
            self.0.insert(end.key.clone(), said);
            if before.get(&end.key) != Some(&said) {
                news.push(end);
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::date;

    use super::*;
    use crate::config::of_text;

    #[test]
    fn an_end_is_said_at_each_stage_once_and_a_new_token_begins_anew() {
        let config = |end: &str| {
            let text = format!("watch = [\"/w\"]\n[azure]\nexpires = {end}\n");
            of_text(&text).unwrap()
        };
        let first = config("2027-01-31");
        let mut told = Told::default();
        let mut days = Vec::new();

        for day in 0..40 {
            let today = date(2027, 1, 1) + day.days();
            for end in told.news(connect::token_ends(&first, today)) {
                days.push(format!("{today}: {end}"));
            }
        }

        assert_eq!(
            days,
            [
                "2027-01-17: the token ends in 14 days, on 2027-01-31 (`azure.expires`)",
                "2027-01-28: the token ends in 3 days, on 2027-01-31 (`azure.expires`)",
                "2027-01-31: the token ends today, 2027-01-31 (`azure.expires`)",
                "2027-02-01: the token ended on 2027-01-31 (`azure.expires`)",
            ]
        );

        let second = config("2027-02-01");
        let news = told.news(connect::token_ends(&second, date(2027, 2, 2)));
        assert_eq!(news.len(), 1);
    }
}
