//! What decides about the runs of a project, so that a change of it decides anew about the runs
//! that were left out: the rules of this machine, the project's settings and its own `kado.toml`,
//! and the test cases of runs that were left out because none has an id.
//!
//! Nothing of a run folder is read for that. It costs a look at two files of each project, and at
//! the test cases of runs without ids; they are read when they look otherwise than before.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::blocking::blocking;
use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::door;
use crate::file_names::key;
use crate::katalon::id_effort::IdEffort;
use crate::katalon::id_rule::IdRule;
use crate::moment::Moment;
use crate::outbox::store::UnmappedRun;
use crate::outbox::{Outbox, StoreError};
use crate::record::disk::on_disk;
use crate::stable_number::stable_number;
use crate::workspace::{self, CaseIdState, FileLook, RuleFiles};

/// Watches what decides about the runs of projects.
pub(crate) struct ProjectRules {
    outbox: Outbox,
    /// What this machine said at the last look.
    machine: Option<MachineRules>,
    /// How the files of projects looked then.
    files: HashMap<PathBuf, KnownFiles>,
    /// By what the runs of a project were decided last, by its key.
    decided: HashMap<String, u64>,
    /// Projects, by their keys, that had other files when a run was read than at the last look.
    doubted: HashSet<String>,
    unmapped: UnmappedCases,
}

/// What this machine says of the runs of all projects.
#[derive(PartialEq, Eq)]
struct MachineRules {
    config: Config,
    first_seen: Moment,
    host: String,
}

/// The files of a project that decide about its runs.
#[derive(Clone)]
struct KnownFiles {
    look: RuleFiles,
    /// A number for what stood in them.
    number: u64,
    /// Whether the runs were decided by that, and by what this machine says.
    is_decided: bool,
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
            machine: None,
            files: HashMap::new(),
            doubted: HashSet::new(),
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
        let mapped = self.projects_with_other_cases(config).await?;
        self.look_at_files(projects).await?;
        self.note_machine(MachineRules {
            config: config.clone(),
            first_seen,
            host: clock::host_name(),
        });

        let mut others = BTreeMap::new();
        for project in projects {
            // Of one that cannot be read nothing has changed as far as anybody knows.
            let Some(files) = self.files.get(project) else {
                continue;
            };
            let key = key(project);
            let is_due = self.doubted.remove(&key) || mapped.contains(&key);
            if files.is_decided && !is_due {
                continue;
            }

            let rules = rules_of(config, first_seen, project, files.number);
            if self.decided.get(&key) != Some(&rules) || is_due {
                others.insert(key, rules);
            }
        }

        let reconsidered = self.decide_anew(projects, others).await?;
        for files in self.files.values_mut() {
            files.is_decided = true;
        }
        Ok(reconsidered)
    }

    /// Takes note that a run of a project was just read. Where its files are others than at the
    /// last look they may be as before at the next one, as while a checkout writes them anew: then
    /// the runs that were left out meanwhile are decided anew all the same.
    ///
    /// # Errors
    /// When kado ends.
    pub(crate) async fn note_run_read(&mut self, project: &Path) -> Result<(), StoreError> {
        let Some(known) = self.files.get(project) else {
            return Ok(());
        };

        let at_last_look = known.clone();
        let path = project.to_owned();
        let looked = on_disk(move || files_of(&path, Some(&at_last_look)));
        let is_other = match looked.await {
            Ok(Some(now)) => now.number != known.number,
            // One that does not answer is told by the sweep.
            Ok(None) | Err(StoreError::Silent(_)) => false,
            Err(error) => return Err(error),
        };
        if is_other {
            self.doubted.insert(key(project));
        }
        Ok(())
    }

    /// Has the runs decided anew that were left out by other rules than these, which are by the
    /// keys of projects; gives the keys of their folders.
    async fn decide_anew(
        &mut self,
        projects: &[PathBuf],
        rules: BTreeMap<String, u64>,
    ) -> Result<Vec<String>, StoreError> {
        if rules.is_empty() {
            return Ok(Vec::new());
        }

        let by_project = rules.clone();
        let left_out = self
            .outbox
            .with(move |store| store.reconsider(&by_project))
            .await?;

        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for folder in &left_out {
            *counts.entry(&folder.project).or_default() += 1;
        }
        for project in projects {
            let key = key(project);
            if let Some(folders) = counts.get(key.as_str())
                && self.decided.contains_key(&key)
            {
                tracing::info!(
                    project = %project.display(),
                    folders,
                    "what decides about runs changed, so those that were left out are decided anew"
                );
            }
        }

        self.decided.extend(rules);
        Ok(left_out.into_iter().map(|folder| folder.path).collect())
    }

    /// Looks at the files of projects; those of a file system that does not answer are not known
    /// then.
    async fn look_at_files(&mut self, projects: &[PathBuf]) -> Result<(), StoreError> {
        let known = std::mem::take(&mut self.files);
        let projects = projects.to_vec();
        self.files = blocking(move || answered_files(&projects, &Arc::new(known))).await?;
        Ok(())
    }

    /// Takes note of what this machine says; where that is new, it decides anew.
    fn note_machine(&mut self, machine: MachineRules) {
        let machine = Some(machine);
        if self.machine != machine {
            self.machine = machine;
            for files in self.files.values_mut() {
                files.is_decided = false;
            }
        }
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
        let looked = on_disk(move || {
            let changed = looking.look(&config);
            (looking, changed)
        });
        let (unmapped, changed) = match looked.await {
            Ok(looked) => looked,
            // It is looked at again at the next sweep.
            Err(StoreError::Silent(_)) => (unmapped, HashSet::new()),
            Err(error) => return Err(error),
        };
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
        let mut rules: HashMap<PathBuf, (IdRule, IdEffort)> = HashMap::new();
        for ((project, test_case), case) in &mut self.cases {
            let look = workspace::look_of_test_case(project, test_case);
            if case.look == Some(look) {
                continue;
            }

            let (rule, effort) = rules.entry(project.clone()).or_insert_with(|| {
                let own_file = ProjectFile::of(project, config);
                let rule = config.overrides_over(project, &own_file).id_rule();
                (rule, IdEffort::of_sweep())
            });
            // The project had its share: others are not to wait for it.
            if effort.is_spent() {
                continue;
            }

            // It may be in the middle of being written, and is read again at the next sweep.
            let says = workspace::id_state(project, test_case, rule, effort);
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

/// Looks at the files of projects, as often as it takes to know what does not answer.
fn answered_files(
    projects: &[PathBuf],
    known: &Arc<HashMap<PathBuf, KnownFiles>>,
) -> HashMap<PathBuf, KnownFiles> {
    loop {
        let projects = projects.to_vec();
        let known = Arc::clone(known);
        // One thread for all: each costs more than a look does.
        let looked = door::answered(move || {
            let mut files = HashMap::new();
            for project in projects {
                let of_project = files_of(&project, known.get(&project));
                files.extend(of_project.map(|of_project| (project, of_project)));
            }
            files
        });

        // What is silent is not asked again, so this comes to an end.
        if let Ok(files) = looked {
            return files;
        }
    }
}

/// Looks at the files of a project; `None` where its file system does not answer.
fn files_of(project: &Path, known: Option<&KnownFiles>) -> Option<KnownFiles> {
    let before = known.map(|known| (known.look.clone(), known.number));
    let (look, number) = workspace::rule_files(project, before)?;
    Some(KnownFiles {
        is_decided: known.is_some_and(|known| known.is_decided && known.number == number),
        look,
        number,
    })
}

/// A number that changes with what decides about the runs of a project; `files` is that for its
/// files. Should the number change without a reason, as between two versions of kado, that costs
/// one round: what was left out is decided anew, and as before.
fn rules_of(config: &Config, first_seen: Moment, project: &Path, files: u64) -> u64 {
    // Taken apart, so that the compiler asks of each new key whether it decides about runs.
    let Config {
        history,
        runs_from,
        submit_aborted,
        // What `overrides` gives for the project.
        machine: _,
        projects: _,
        // Where and how is looked, what is kept, and who is told.
        file: _,
        watch: _,
        state_dir: _,
        abort_after: _,
        katalonc_options: _,
        spool_limit: _,
        redact: _,
        status_page: _,
        notify: _,
        warnings: _,
        // Of runs that are recorded.
        overtaken: _,
    } = config;

    let rules = format!(
        "{:?} {:?} {} {:?} {} {}",
        history.begin(first_seen),
        runs_from,
        submit_aborted,
        config.overrides(project),
        clock::host_name(),
        files,
    );
    stable_number(blake3::Hasher::new().update(rules.as_bytes()))
}
