//! `cargo demo`: says what will be seen, builds everything for it, and plays it.
//!
//! It is a program of its own because a first build takes minutes: this one is there at once, tells
//! what comes, and leaves the terminal to cargo, which shows how far it is. One call of cargo
//! builds kado and the demo together, so that no crate is built twice for want of the same
//! features.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo demo [--keep]

  --keep   leaves the fake Azure DevOps standing until Ctrl-C, to look at the test run in a browser";

const STORY: &str = "kado's demo: one suite run, from Katalon's files to Azure DevOps Test Plans.

What you will see:
  1  a fake Azure DevOps with a test plan, and a sample Katalon project
  2  `kado run`, the real program, as it begins to watch that project
  3  Katalon (a fake) as it plays a suite for about ten seconds, test by test
  4  the test run as it arrived, what was left out and why, and how the figures add up

Nothing leaves this machine, and nothing of it stays behind but the build.";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if let Some(unknown) = arguments.iter().find(|one| *one != "--keep") {
        println!("{USAGE}");
        let asked = unknown == "--help" || unknown == "-h";
        return if asked {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        };
    }

    println!("{STORY}");
    println!("\n== Building kado and the demo");
    println!("   the first time this takes some minutes; cargo shows how far it is");

    match build().and_then(|()| play(&arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("the demo cannot be played: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Both programs in one call, in the profile that cargo itself takes by default.
fn build() -> io::Result<()> {
    let Some(cargo) = env::var_os("CARGO") else {
        return Err(io::Error::other("start it with `cargo demo`"));
    };
    let status = Command::new(cargo)
        .args(["build", "--package", "kado", "--bin", "kado"])
        .args(["--package", "fake-katalon", "--bin", "demo"])
        .status()?;

    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(
            "kado does not build; cargo says above what is missing",
        ))
    }
}

/// Becomes the demo, which lies beside this program.
fn play(arguments: &[OsString]) -> io::Result<ExitCode> {
    let demo = env::current_exe()?.with_file_name(format!("demo{}", env::consts::EXE_SUFFIX));

    become_program(&demo, arguments)
}

/// In place of this process, so that Ctrl-C reaches the demo alone.
#[cfg(unix)]
fn become_program(program: &Path, arguments: &[OsString]) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;

    Err(Command::new(program).args(arguments).exec())
}

#[cfg(not(unix))]
fn become_program(program: &Path, arguments: &[OsString]) -> io::Result<ExitCode> {
    let status = Command::new(program).args(arguments).status()?;

    if status.success() {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}
