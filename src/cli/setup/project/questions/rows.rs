//! The questions for the rows of the test configuration mapping: one for each system and browser
//! that ran, and one for each of its execution profiles where a person says that it depends on
//! them.

use crate::ado::wire::TestConfiguration;
use crate::cli::setup::dialogue::{Asked, Dialogue, Preset, Unanswered};
use crate::cli::setup::project::questions::{Answers, failed};
use crate::katalon::settings::{ConfigurationRow, RowChoice};
use crate::setup::project::{RunsSeen, SeenEnvironment, SettingsTarget};

/// Environments that are asked for; the others are rare, and an option can name them.
const MOST_ENVIRONMENTS: usize = 12;
/// Profiles of one environment that are asked for.
const MOST_PROFILES: usize = 8;

/// A row that is asked for, without a configuration, and what it stands for.
struct OfferedRow {
    title: String,
    row: ConfigurationRow,
    /// The profiles for which there may be rows of their own, each with its title; one alone would
    /// tell nothing that the row does not.
    profiles: Vec<(String, ConfigurationRow)>,
}

impl Answers<'_> {
    pub(super) fn ask_rows(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        if self.rows_of_options > 0 || self.target == SettingsTarget::OwnFile {
            return Ok(Asked::No);
        }

        let project = self.project();
        let configurations = self
            .runtime
            .block_on(self.client().configurations(&project))
            .map_err(failed)?;

        self.choices.rows.clear();
        for offered in offered_rows(self.runs) {
            let title = &offered.title;
            if offered.profiles.is_empty() {
                let chosen = self.ask_row(dialogue, &configurations, title, &offered.row)?;
                self.choices.rows.extend(chosen);
                continue;
            }

            let depends = self.ask_whether_profiles_count(dialogue, &offered)?;
            for (title, row) in &offered.profiles {
                let chosen = if depends {
                    self.ask_row(dialogue, &configurations, title, row)?
                } else {
                    self.stored_row(row).map(|_| RowChoice::Remove(row.clone()))
                };
                self.choices.rows.extend(chosen);
            }
            let title = if depends {
                format!("{title}, any other profile")
            } else {
                title.clone()
            };
            let chosen = self.ask_row(dialogue, &configurations, &title, &offered.row)?;
            self.choices.rows.extend(chosen);
        }
        Ok(Asked::Yes)
    }

    fn ask_whether_profiles_count(
        &self,
        dialogue: &Dialogue,
        offered: &OfferedRow,
    ) -> Result<bool, Unanswered> {
        let has_rows = offered
            .profiles
            .iter()
            .any(|(_, row)| self.stored_row(row).is_some());
        let preset = if has_rows { Preset::Yes } else { Preset::No };

        dialogue.yes_or_no(
            &format!(
                "Does the test configuration of {} depend on the execution profile?",
                offered.title
            ),
            preset,
        )
    }

    /// Asks for the configuration of a row; `None` where there is none and was none.
    fn ask_row(
        &self,
        dialogue: &Dialogue,
        configurations: &[TestConfiguration],
        title: &str,
        row: &ConfigurationRow,
    ) -> Result<Option<RowChoice>, Unanswered> {
        let without = if row.profile.is_some() {
            "none of its own"
        } else {
            "none: results go to test points of all configurations"
        };
        let mut shown = vec![without.to_owned()];
        for configuration in configurations {
            shown.push(format!("{} {}", configuration.id, configuration.name));
        }

        let there = self.stored_row(row);
        let first = configurations.iter().position(|configuration| {
            there.is_some_and(|there| there.configuration_id == configuration.id)
        });
        let chosen = dialogue.one_of(
            &format!("Test configuration for {title}:"),
            &shown,
            first.map_or(0, |place| place + 1),
        )?;

        Ok(match chosen.checked_sub(1) {
            Some(place) => Some(RowChoice::Set(ConfigurationRow {
                configuration_id: configurations[place].id,
                ..row.clone()
            })),
            None => there.map(|_| RowChoice::Remove(row.clone())),
        })
    }

    /// The row with the same conditions that the settings hold.
    fn stored_row(&self, row: &ConfigurationRow) -> Option<&ConfigurationRow> {
        let stored = &self.current.settings.configuration_rows;
        stored.iter().find(|there| has_same_conditions(there, row))
    }
}

/// The rows that are asked for: what ran in the project, or a row for everything where nothing did.
fn offered_rows(runs: &RunsSeen) -> Vec<OfferedRow> {
    if runs.environments.is_empty() {
        return vec![OfferedRow {
            title: "every system and browser".to_owned(),
            row: row_of(None, None, None),
            profiles: Vec::new(),
        }];
    }

    let mut rows = Vec::new();
    for environment in runs.environments.iter().take(MOST_ENVIRONMENTS) {
        let os = environment.os.as_deref();
        let platform = environment.platform.as_deref();
        let mut profiles = Vec::new();
        if environment.profiles.len() > 1 {
            for profile in environment.profiles.iter().take(MOST_PROFILES) {
                profiles.push((
                    format!("{}, profile {profile}", place(environment)),
                    row_of(os, platform, Some(profile)),
                ));
            }
        }
        rows.push(OfferedRow {
            title: title(environment),
            row: row_of(os, platform, None),
            profiles,
        });
    }
    rows
}

fn row_of(os: Option<&str>, platform: Option<&str>, profile: Option<&str>) -> ConfigurationRow {
    ConfigurationRow {
        os: os.map(str::to_owned),
        platform: platform.map(str::to_owned),
        profile: profile.map(str::to_owned),
        configuration_id: 0,
    }
}

fn place(environment: &SeenEnvironment) -> String {
    let os = environment.os.as_deref().unwrap_or("any system");
    let platform = environment.platform.as_deref().unwrap_or("any browser");
    format!("{os} / {platform}")
}

fn title(environment: &SeenEnvironment) -> String {
    let place = place(environment);
    let runs = crate::plural::counted(environment.runs, "run");
    match environment.profiles.as_slice() {
        [] => format!("{place} ({runs})"),
        [profile] => format!("{place} ({runs}, profile {profile})"),
        profiles => format!("{place} ({runs}, profiles {})", profiles.join(", ")),
    }
}

fn has_same_conditions(one: &ConfigurationRow, other: &ConfigurationRow) -> bool {
    let columns = [
        (&one.os, &other.os),
        (&one.platform, &other.platform),
        (&one.profile, &other.profile),
    ];
    columns.into_iter().all(|(one, other)| {
        one.as_deref().map(str::to_lowercase) == other.as_deref().map(str::to_lowercase)
    })
}
