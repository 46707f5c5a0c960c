//! What decides about the runs of a project, so that a change of it decides anew about the runs
//! that were left out: the rules of this machine, the project's settings and its own `kado.toml`,
//! and the test cases of runs that were left out because none has an id.
//!
//! Nothing of a run folder is read for that. A sweep costs a look at two files of each project, and
//! at the test cases of runs without ids; they are read when they look otherwise than before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::blocking::blocking;
use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::door;
use crate::file_names::key;
use crate::katalon::id_rule::IdRule;
use crate::moment::Moment;
use crate::outbox::store::UnmappedRun;
use crate::outbox::{Outbox, StoreError};
use crate::workspace::{self, CaseIdState, FileLook, RuleFiles};

/// Watches what decides about the runs of projects.
pub(crate) struct ProjectRules {
    outbox: Outbox,
    /// How the files of projects looked, and a number for what stood in them.
    files: HashMap<PathBuf, (RuleFiles, u64)>,
    /// By what the runs of a project were decided last, by its key.
    decided: HashMap<String, u64>,
    unmapped: UnmappedCases,
}

/// The test cases of runs that were left out because no test has an id.
#[derive(Clone, Default)]
struct UnmappedCases {
    /// The runs whose test cases are in here.
    runs: HashSet<i64>,
    /// By project and id.
    cases: BTreeMap<(PathBuf, String), UnmappedCase>,
}

#[derive(Clone)]
struct UnmappedCase {
    /// What the runs were told of it.
    told: CaseIdState,
    /// How its file looked when it was read last.
    look: Option<FileLook>,
}

impl ProjectRules {
    /// The rules that the runs in an outbox were decided by.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn load(outbox: Outbox) -> Result<Self, StoreError> {
        Ok(Self {
            decided: outbox.with(|store| store.project_rules()).await?,
            outbox,
            files: HashMap::new(),
            unmapped: UnmappedCases::default(),
        })
    }

    /// Has the runs decided anew that were left out by other rules than those of today; gives the
    /// keys of their folders.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(crate) async fn reconsider(
        &mut self,
        config: &Config,
        first_seen: Moment,
        projects: &[PathBuf],
    ) -> Result<Vec<String>, StoreError> {
        let mut reconsidered = Vec::new();
        let mapped = self.projects_with_other_cases(config).await?;
        for project in projects {
            // Of one that cannot be read nothing has changed as far as anybody knows.
            let Some(rules) = self.rules_of(config, first_seen, project).await? else {
                continue;
            };
            let key = key(project);
            let before = self.decided.get(&key).copied();
            let has_other_cases = mapped.contains(&key);
            if before == Some(rules) && !has_other_cases {
                continue;
            }

            let path = key.clone();
            let folders = self
                .outbox
                .with(move |store| store.reconsider(&path, rules))
                .await?;
            self.decided.insert(key, rules);
            if before.is_some() && !folders.is_empty() {
                tracing::info!(
                    project = %project.display(),
                    folders = folders.len(),
                    "what decides about runs changed, so those that were left out are decided anew"
                );
            }
            reconsidered.extend(folders);
        }
        Ok(reconsidered)
    }

    /// A number that changes with what decides about the runs of a project; `None` where its file
    /// system does not answer.
    async fn rules_of(
        &mut self,
        config: &Config,
        first_seen: Moment,
        project: &Path,
    ) -> Result<Option<u64>, StoreError> {
        let known = self.files.get(project).cloned();
        let root = project.to_owned();
        let read = blocking(move || door::answered(move || workspace::rule_files(&root, known)));
        let Ok(files) = read.await? else {
            return Ok(None);
        };

        // Each value of its own, so that a new key of the configuration is not forgotten.
        let rules = format!(
            "{:?} {:?} {} {:?} {} {}",
            config.history.begin(first_seen),
            config.runs_from,
            config.submit_aborted,
            config.overrides(project),
            clock::host_name(),
            files.1,
        );
        self.files.insert(project.to_owned(), files);
        Ok(Some(number_of(rules.as_bytes())))
    }

    /// Projects, by their keys, in which a test case of a run without ids has one by now, or is
    /// there again.
    async fn projects_with_other_cases(
        &mut self,
        config: &Config,
    ) -> Result<HashSet<String>, StoreError> {
        let known = self.unmapped.runs.clone();
        let (all, new) = self
            .outbox
            .with(move |store| store.unmapped_runs(&known))
            .await?;

        let mut unmapped = std::mem::take(&mut self.unmapped);
        unmapped.keep(&all, new);
        let config = config.clone();
        let mut looking = unmapped.clone();
        let looked = blocking(move || {
            door::answered(move || {
                let changed = looking.look(&config);
                (looking, changed)
            })
        })
        .await?;

        // Those of a file system that does not answer are looked at again at the next sweep.
        let (unmapped, changed) = looked.unwrap_or((unmapped, HashSet::new()));
        self.unmapped = unmapped;
        Ok(changed)
    }
}

impl UnmappedCases {
    /// Adds the test cases of new runs. Those of runs that were taken up since cost a look each,
    /// until all were.
    fn keep(&mut self, all: &HashSet<i64>, new: Vec<UnmappedRun>) {
        if all.is_empty() {
            *self = Self::default();
            return;
        }

        for run in new {
            self.runs.insert(run.id);
            for (test_case, told) in run.cases {
                let case = self
                    .cases
                    .entry((run.project.clone(), test_case))
                    .or_insert(UnmappedCase { told, look: None });

                // Another run was told something else: the file is to be read again.
                if case.told != told {
                    *case = UnmappedCase { told, look: None };
                }
            }
        }
    }

    /// Looks at the files; gives the projects in which one was written anew, or says something else
    /// than the runs were told, which are told so now.
    fn look(&mut self, config: &Config) -> HashSet<String> {
        let mut changed = HashSet::new();
        let mut rules: HashMap<PathBuf, IdRule> = HashMap::new();
        for ((project, test_case), case) in &mut self.cases {
            let look = workspace::look_of_test_case(project, test_case);
            if case.look == Some(look) {
                continue;
            }

            // It may be in the middle of being written, and is read again at the next sweep.
            let rule = rules.entry(project.clone()).or_insert_with(|| {
                let own_file = ProjectFile::of(project, config);
                config.overrides_over(project, &own_file).id_rule()
            });
            let says = workspace::id_state(project, test_case, rule);
            if says == CaseIdState::Unknown {
                continue;
            }

            // One that is written anew may hold an id in another place, such as its description.
            if says != case.told || case.look.is_some() {
                changed.insert(key(project));
            }
            *case = UnmappedCase {
                told: says,
                look: Some(look),
            };
        }
        changed
    }
}

/// A number that differs whenever a text does, as good as always, and in every version.
pub(crate) fn number_of(bytes: &[u8]) -> u64 {
    let mut number = [0; size_of::<u64>()];
    blake3::Hasher::new()
        .update(bytes)
        .finalize_xof()
        .fill(&mut number);
    u64::from_le_bytes(number)
}
