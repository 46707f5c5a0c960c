//! Many runs under random faults, kills and stops: nothing lost, nothing twice.
//!
//! Requests are dropped, cut, delayed, left hanging, refused and answered with nonsense; tokens
//! expire and are replaced; the lists of runs lag; run folders are wiped as soon as kado knows of
//! them; and the service is killed or asked to end again and again. In the end every run is in ADO
//! once, whole, and in the ledger once.
//!
//! `KADO_SOAK_RUNS` makes it longer, `KADO_SOAK_SEED` repeats the dice of one that failed. Both are
//! printed.

#![expect(clippy::print_stdout, reason = "a soak says what it was")]
#![expect(
    clippy::disallowed_methods,
    reason = "the environment makes it longer; run folders are wiped"
)]

mod dice;
mod runs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::support::{Machine, PATIENCE, Service, age, closed_file, now};
use dice::Dice;
use runs::{Expected, PROJECTS};

/// Runs of the form that every change passes.
const RUNS: usize = 1500;
/// Runs that appear in each round.
const BATCH: usize = 300;
/// Runs for each fault that is planned.
const RUNS_FOR_A_FAULT: usize = 4;
/// Run folders that are wiped in a round, at most.
const WIPED: usize = 6;
/// Longest time that half of a round is given.
const LONGEST: Duration = Duration::from_secs(20);
/// How long lists of runs may lag behind, in milliseconds; ADO is asked for a lost creation for 9
/// s.
const LAG: u64 = 4000;

/// What happened, for whoever reads the output.
#[derive(Debug, Default)]
struct Figures {
    rounds: usize,
    faults: usize,
    kills: usize,
    stops: usize,
    wiped: usize,
    tokens: usize,
}

struct Soak {
    seed: u64,
    dice: Dice,
    machine: Machine,
    projects: Vec<PathBuf>,
    begin: Timestamp,
    expected: BTreeMap<String, Expected>,
    figures: Figures,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

fn token(number: usize) -> String {
    format!("soak-token-{number}")
}

#[test]
fn many_runs_under_faults_kills_and_stops_arrive_once_each() {
    let seed = number("KADO_SOAK_SEED", now().as_millisecond().unsigned_abs());
    let wanted = usize::try_from(number("KADO_SOAK_RUNS", RUNS as u64)).unwrap_or(RUNS);
    println!("KADO_SOAK_SEED={seed} KADO_SOAK_RUNS={wanted}");
    let started = Instant::now();
    let mut soak = Soak::new(seed, wanted);
    while soak.expected.len() < wanted {
        soak.round(wanted);
    }

    let completed = soak.completed();
    println!(
        "{completed} of {wanted} runs were completed under faults, after {:.0?}",
        started.elapsed()
    );
    soak.finish();
    runs::check(&soak.machine, &soak.expected, seed);
    let requests = soak.machine.fake.requests().len();
    println!(
        "{wanted} runs in {requests} requests and {:.0?}: {:?}",
        started.elapsed(),
        soak.figures
    );
}

/// A command that waits for the service would take over what a killed one left.
fn cut_off(mut command: Child) {
    let _ = command.kill();
    command.wait().unwrap();
}

impl Soak {
    fn new(seed: u64, wanted: usize) -> Self {
        let machine = Machine::in_memory(runs::world(&token(0)));
        let file = closed_file(&machine.root().join("token"), &token(0));
        let server = machine.fake.base_url();
        machine.configure(&format!(
            "history = \"all\"\nruns_from = \"any\"\nlate = \"send\"\n[azure]\nserver_url = {server:?}\n\
             token_file = {file:?}\n[submit]\nattach = \"all\"\ntest_run_name = \"{{suite}}\"\n\
             katalon_submits = \"never\"\n"
        ));
        let begin = now() - SignedDuration::from_secs(i64::try_from(wanted).unwrap_or(0) + 60);
        let projects = (0..PROJECTS)
            .map(|number| runs::project(&machine, number))
            .collect();

        Self {
            seed,
            dice: Dice::new(seed),
            machine,
            projects,
            begin,
            expected: BTreeMap::new(),
            figures: Figures::default(),
        }
    }

    /// New runs appear, faults wait for them, and the program runs until it is ended in one way or
    /// the other.
    fn round(&mut self, wanted: usize) {
        self.figures.rounds += 1;
        let new = BATCH.min(wanted - self.expected.len());
        let mut planned = self.dice.faults(new / RUNS_FOR_A_FAULT, new);
        if self.dice.once_in(4) {
            planned.push(self.dice.refusal(new));
        }

        self.figures.faults += planned.len();

        // Those that met no request would pile up, until hardly any request went well.
        self.machine.fake.clear_faults();
        self.machine.fake.faults(planned);
        self.machine.fake.world().settings.run_list_lag_ms = self.dice.below(LAG);
        let expires = self.dice.once_in(6);

        if expires {
            self.figures.tokens += 1;
            self.machine
                .fake
                .world()
                .set_tokens(&[&token(self.figures.tokens)]);
        }

        for _ in 0..new {
            self.write_run();
        }

        if self.dice.once_in(5) {
            self.hurry();
        } else {
            self.serve(expires);
        }

        let completed = self.completed();
        println!(
            "round {}: {completed} of {} completed",
            self.figures.rounds,
            self.expected.len()
        );

        // Whoever is told of the new token late had none for a whole round.
        closed_file(
            &self.machine.root().join("token"),
            &token(self.figures.tokens),
        );
    }

    fn write_run(&mut self) {
        let number = self.expected.len();
        let project = u32::try_from(self.dice.below(PROJECTS.into())).unwrap_or(0);
        let start = self.begin + SignedDuration::from_secs(i64::try_from(number).unwrap_or(0));
        let (run, all) = runs::run(&mut self.dice, project, number, start);
        age(&run.write_in(&self.projects[project as usize]).unwrap());
        self.expected.insert(runs::suite(project, number), all);
    }

    /// The service until a share of what is open is completed, so that how far it comes does not
    /// depend on how busy this machine is.
    fn serve(&mut self, expired: bool) {
        let before = self.completed();
        let open = self.expected.len() - before;
        let share = if self.dice.once_in(4) {
            0
        } else {
            self.dice.index(100)
        };
        let service = self.machine.start();
        let first = self.ask_again();
        self.wait_for(before + open * share / 200);
        cut_off(first);
        self.wipe();

        if expired && self.dice.once_in(2) {
            closed_file(
                &self.machine.root().join("token"),
                &token(self.figures.tokens),
            );
        }

        let second = self.ask_again();
        self.wait_for(before + open * share / 100);
        cut_off(second);
        self.end(service);
    }

    /// Runs that are completed in ADO.
    fn completed(&self) -> usize {
        self.machine
            .fake
            .world()
            .runs()
            .iter()
            .filter(|run| run.state == "Completed")
            .count()
    }

    /// Waits until so many runs are completed, not for long, and a moment more.
    fn wait_for(&mut self, completed: usize) {
        let since = Instant::now();
        while self.completed() < completed && since.elapsed() < LONGEST {
            sleep(Duration::from_millis(50));
        }

        sleep(Duration::from_millis(500 + self.dice.below(1500)));
    }

    /// A person who sees what failed asks for it again.
    fn ask_again(&self) -> Child {
        let mut command = self.machine.command(&["runs", "retry", "--failed"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn end(&mut self, service: Service) {
        if self.dice.once_in(3) {
            self.figures.stops += 1;
            let stopped = service.stop();
            assert_eq!(stopped.code, 0, "seed {}: {}", self.seed, stopped.err);
        } else {
            self.figures.kills += 1;
            service.kill();
        }
    }

    /// Wipes folders of runs that kado knows and that are not all sent.
    fn wipe(&mut self) {
        let rows = self.machine.rows();
        let open = |state: &str| matches!(state, "pending" | "submitting");
        let open: Vec<_> = rows
            .iter()
            .filter(|row| row["state"].as_str().is_some_and(open))
            .collect();

        for _ in 0..WIPED.min(open.len()) {
            let row = open[self.dice.index(open.len())];
            let folder = row["folder"].as_str().unwrap();
            if Path::new(folder).is_dir() {
                std::fs::remove_dir_all(folder).unwrap();
                self.figures.wiped += 1;
            }
        }
    }

    /// `kado run --once`, which puts nothing off for long, killed after a while.
    fn hurry(&mut self) {
        let mut command = self.machine.command(&["run", "--once"]);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(2500 + self.dice.below(6000)));
        cut_off(child);
        self.figures.kills += 1;
    }

    /// Without faults everything arrives, once a person asks for what was put off.
    fn finish(&mut self) {
        self.machine.fake.clear_faults();

        let service = self.machine.start();
        let (mut progress, mut best) = (Instant::now(), 0);
        let left = loop {
            self.machine.kado(&["runs", "retry", "--failed"]);
            let states = self.machine.states();
            let (sent, left): (Vec<_>, Vec<_>) = states
                .into_iter()
                .partition(|state| state.ends_with(" submitted"));
            if sent.len() > best {
                (progress, best) = (Instant::now(), sent.len());
            }
            if sent.len() == self.expected.len() || progress.elapsed() > PATIENCE {
                break left;
            }
            sleep(Duration::from_secs(1));
        };

        assert_eq!(left, [""; 0], "seed {}: {}", self.seed, service.log());

        service.stop_cleanly();
    }
}
