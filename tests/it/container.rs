//! The image of `packaging/container/Containerfile`: it copies what the package holds, and starts
//! what kado knows.

#![expect(
    clippy::disallowed_methods,
    reason = "the recipe and the script are files of the repository"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;

use clap::Parser as _;
use kado::cli::Cli;

/// A file of the repository.
fn text_of(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The instructions of the recipe, each in one line.
fn instructions() -> Vec<String> {
    let text: String = text_of("packaging/container/Containerfile")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();

    text.replace("\\\n", " ")
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// The words of an instruction in its form as JSON.
fn words_of(instruction: &str) -> Vec<String> {
    let line = instructions()
        .into_iter()
        .find(|line| line.starts_with(instruction))
        .unwrap();
    let (_, list) = line.split_once('[').unwrap();

    serde_json::from_str(&format!("[{list}")).unwrap()
}

#[test]
fn what_the_image_copies_is_in_the_package_that_it_is_made_from() {
    let script = text_of("packaging/linux/build.sh");
    let (_, tarball) = script.split_once("\ntarball() {").unwrap();
    let (tarball, _) = tarball.split_once("\n}").unwrap();
    let mut copied = 0;

    for line in instructions() {
        let Some(words) = line.strip_prefix("COPY --from=unpacked ") else {
            continue;
        };
        for word in words.split(' ') {
            if let Some(file) = word.strip_prefix("/kado/") {
                copied += 1;
                let is_packed = tarball
                    .split([' ', '/', '"', '\n'])
                    .any(|packed| packed == file);
                assert!(is_packed, "{file} is not in the .tar.gz");
            }
        }
    }

    assert!(copied >= 3, "only {copied} files are copied");
}

#[test]
fn what_the_image_starts_and_asks_are_commands_of_kado() {
    let entry = words_of("ENTRYPOINT");
    let start = [entry, words_of("CMD")].concat();
    let health = words_of("HEALTHCHECK");

    for command in [start, health] {
        assert_eq!(command[0], "/usr/bin/kado");
        assert!(Cli::try_parse_from(&command).is_ok(), "{command:?}");
    }
}

#[test]
fn the_image_runs_as_an_account_without_rights_that_owns_its_state_folder() {
    let instructions = instructions();

    let user = instructions
        .iter()
        .find_map(|line| line.strip_prefix("USER "))
        .unwrap();

    assert_ne!(user.split(':').next(), Some("0"));
    assert!(instructions.iter().any(
        |line| line.contains(&format!("--chown={user} ")) && line.ends_with(" /state /var/lib")
    ));
}
