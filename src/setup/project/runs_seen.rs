//! What ran in a project, as far as its `Reports` tell: for which systems, browsers, devices and
//! profiles the configuration mapping may want a row, and which Katalon it was.
//!
//! Only what the launcher wrote before each run is read (`execution.properties`), never a log.

use std::path::{Path, PathBuf};

use crate::katalon::run::Environment;
use crate::katalon::run::execution::Execution;
use crate::plan::configuration::usual_names;
use crate::{watch, workspace};

/// Run folders that are looked at, the newest by name.
const MOST_RUNS: usize = 200;

/// The runs of a project.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct RunsSeen {
    /// Each once, the most frequent first.
    pub environments: Vec<SeenEnvironment>,
    /// Katalon's version of the newest one that tells.
    pub katalon_version: Option<String>,
}

/// Where runs took place, by the names that a row of the mapping has for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SeenEnvironment {
    pub os: Option<String>,
    pub platform: Option<String>,
    pub profiles: Vec<String>,
    pub runs: usize,
}

impl RunsSeen {
    /// Looks at the newest runs of the project at `root`.
    pub(crate) fn of(root: &Path) -> Self {
        let mut folders = watch::find_runs(root);
        folders.sort_by_key(|folder| std::cmp::Reverse(name_of(folder)));
        folders.truncate(MOST_RUNS);

        let launches = folders
            .iter()
            .filter_map(|folder| workspace::read_launch(folder));
        Self::of_launches(launches)
    }

    /// The same of launches, the newest first.
    fn of_launches(launches: impl Iterator<Item = Execution>) -> Self {
        let mut seen = Self::default();
        for launch in launches {
            if seen.katalon_version.is_none() {
                seen.katalon_version.clone_from(&launch.katalon_version);
            }
            seen.count(&launch);
        }
        seen.environments
            .sort_by_key(|environment| std::cmp::Reverse(environment.runs));
        seen
    }

    fn count(&mut self, launch: &Execution) {
        let names = usual_names(&Environment {
            os: launch.os.clone(),
            profile: launch.profile.clone(),
            run_configuration: launch.run_configuration.clone(),
            driver: launch.driver.clone(),
            ..Environment::default()
        });
        if names.os.is_none() && names.platform.is_none() {
            return;
        }

        let known = self
            .environments
            .iter()
            .position(|there| there.os == names.os && there.platform == names.platform);
        let place = known.unwrap_or_else(|| {
            self.environments.push(SeenEnvironment {
                os: names.os,
                platform: names.platform,
                profiles: Vec::new(),
                runs: 0,
            });
            self.environments.len() - 1
        });

        let environment = &mut self.environments[place];
        environment.runs += 1;
        if let Some(profile) = &launch.profile
            && !environment.profiles.contains(profile)
        {
            environment.profiles.push(profile.clone());
        }
    }
}

/// The name of a run folder is the time at which it began.
fn name_of(folder: &Path) -> PathBuf {
    folder.file_name().map(PathBuf::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(os: &str, name: &str, profile: &str) -> Execution {
        Execution {
            os: Some(os.to_owned()),
            run_configuration: Some(name.to_owned()),
            profile: Some(profile.to_owned()),
            katalon_version: Some("10.1.0".to_owned()),
            ..Execution::default()
        }
    }

    #[test]
    fn runs_of_one_system_and_browser_are_one_row() {
        let launches = [
            launch("Linux", "Firefox", "default"),
            launch("Windows 10 64bit", "Chrome", "qa"),
            launch("Windows 11 64bit", "Chrome (headless)", "default"),
            launch("Windows 11 64bit", "Android - Pixel", "default"),
        ];

        let seen = RunsSeen::of_launches(launches.into_iter());

        let rows: Vec<String> = seen
            .environments
            .iter()
            .map(|row| {
                format!(
                    "{:?} {:?} {:?} {}",
                    row.os, row.platform, row.profiles, row.runs
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                r#"Some("Windows") Some("Chrome") ["qa", "default"] 2"#,
                r#"Some("Linux") Some("Firefox") ["default"] 1"#,
                r#"Some("Android") Some("Native App") ["default"] 1"#,
            ]
        );
        assert_eq!(seen.katalon_version.as_deref(), Some("10.1.0"));
    }
}
