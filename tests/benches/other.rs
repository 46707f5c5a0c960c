//! Another tool at the same job, in the same sitting: playwright-azure-reporter, which sends the
//! results of Playwright to Azure DevOps Test Plans. It is installed from npm for this and is no
//! part of the repository; without node, npm or the network it is left out, and said to be.
//!
//! `other/playwright_reporter.cjs` says how it is played, and BENCHMARKS.md what is compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::machine::{Cost, Machine, PLAN, TOKEN, run};

/// What is measured, in the words of npm.
pub(crate) const PACKAGE: &str = "@alex_neo/playwright-azure-reporter@1.12.0";

/// The folder of node_modules with the reporter, made once and kept beside the build output.
pub(crate) fn installed() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("playwright-azure-reporter-1.12.0");
    let modules = folder.join("node_modules");
    if modules.join("@alex_neo").exists() {
        return Some(modules);
    }

    fs::create_dir_all(&folder).unwrap();
    let npm = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .arg("--prefix")
        .arg(&folder)
        .arg(PACKAGE)
        .stdout(Stdio::null())
        .status();
    match npm {
        Ok(status) if status.success() => Some(modules),
        Ok(_) | Err(_) => {
            println!("{PACKAGE} is left out: npm cannot install it\n");
            None
        }
    }
}

/// What it costs to send such a run, to the end of the program, against a server that answers after
/// `delay`.
pub(crate) fn send(modules: &Path, tests: u32, pictures: u32, delay: Duration) -> Cost {
    let machine = Machine::new(tests, delay);
    let folder = run(tests, pictures, 0).write_in(&machine.project).unwrap();
    let mut files = pictures_of(&folder);
    files.truncate(pictures as usize);

    let work = json!({
        "base": machine.ado.base_url(), "project": "Shop", "plan": PLAN, "token": TOKEN,
        "cases": (0..tests).map(|number| 1000 + number).collect::<Vec<u32>>(),
        "pictures": files,
    });
    let file = folder.with_file_name("work.json");
    fs::write(&file, work.to_string()).unwrap();

    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/benches/other/playwright_reporter.cjs");
    let mut node = Command::new("node");
    node.arg(script).arg(modules).arg(&file);
    // A library that the reporter uses leaves a file where it is started.
    node.current_dir(machine.root());
    let cost = machine.measure_command(node);

    assert_arrived(&machine, tests, pictures);
    cost
}

/// The comparison is void where something is missing.
fn assert_arrived(machine: &Machine, tests: u32, pictures: u32) {
    let world = machine.ado.world();
    let [run] = world.runs() else {
        panic!("{} test runs", world.runs().len());
    };
    let files: usize = run
        .results
        .iter()
        .map(|result| result.attachments.len())
        .sum();

    assert_eq!(run.state, "Completed");
    assert_eq!(run.results.len(), tests as usize);
    assert_eq!(files, pictures as usize);
}

fn pictures_of(folder: &Path) -> Vec<PathBuf> {
    let mut pictures = Vec::new();
    for file in crate::walk(folder.to_path_buf()) {
        if file.extension().is_some_and(|extension| extension == "png") {
            pictures.push(file);
        }
    }
    pictures.sort();
    pictures
}
