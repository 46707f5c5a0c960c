//! Examples of every command, for `--help` and for the manual pages. A test has each of them taken
//! by kado's own parser.

use clap::Command;

/// A command line, and what it is for.
pub(super) type Example = (&'static str, &'static str);

/// The examples of each command, by its words behind `kado`.
const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "",
        &[
            ("kado setup", "set this machine up"),
            ("kado check", "look at everything that a submission needs"),
            ("kado runs", "what waits, what was submitted"),
        ],
    ),
    (
        "run",
        &[
            ("kado run", "watch and submit until Ctrl-C"),
            ("kado run --once", "submit what is finished, then end"),
        ],
    ),
    (
        "submit",
        &[
            (
                "kado submit Reports/20260506_081459/Smoke/20260506_081459",
                "submit one run",
            ),
            (
                "kado submit --dry-run Reports/20260506_081459/Smoke/20260506_081459",
                "show what would be sent",
            ),
            (
                "kado submit --into 512 Reports/20260506_081459/Smoke/20260506_081459",
                "fill test run 512, which was begun in Azure DevOps",
            ),
        ],
    ),
    (
        "exec",
        &[
            (
                "kado exec -- katalonc -projectPath=/srv/shop -testSuitePath=\"Test Suites/Smoke\"",
                "run a suite and submit its run",
            ),
            (
                "kado exec --strict --wait 10m -- katalonc -projectPath=/srv/shop -adoPlanId=18",
                "fail where the run is not submitted to test plan 18",
            ),
            (
                "kado exec --live -- katalonc -projectPath=/srv/shop -testSuitePath=\"Test Suites/Smoke\"",
                "show the results in Azure DevOps while the suite runs",
            ),
            (
                "kado exec --into 512 -- katalonc -projectPath=/srv/shop -testSuitePath=\"Test \
                 Suites/Smoke\"",
                "fill test run 512, which was begun in Azure DevOps",
            ),
        ],
    ),
    (
        "inspect",
        &[
            (
                "kado inspect /srv/shop",
                "the settings and ids of a project",
            ),
            (
                "kado inspect Reports/20260506_081459/Smoke/20260506_081459",
                "what a run was",
            ),
        ],
    ),
    (
        "check",
        &[
            ("kado check", "the machine and all watched projects"),
            ("kado check --problems", "only what is wrong"),
            (
                "kado check --offline /srv/shop",
                "one project, without a request",
            ),
        ],
    ),
    (
        "setup",
        &[
            ("kado setup", "ask, and set up the service of this machine"),
            (
                "kado setup --unattended --watch /srv/agent/_work --server-url \
                 https://dev.azure.com/organization --token-stdin",
                "ask nothing; the token comes on standard input",
            ),
            (
                "kado setup /srv/agent/_work/1/s/shop",
                "what Katalon's Azure DevOps settings hold",
            ),
        ],
    ),
    (
        "list",
        &[
            ("kado list projects", "the projects of the organization"),
            (
                "kado list plans /srv/shop",
                "the test plans that a project can be submitted to",
            ),
        ],
    ),
    (
        "map",
        &[
            ("kado map list", "every test case with its ids"),
            (
                "kado map suggest --apply",
                "give ids to those that have none",
            ),
        ],
    ),
    (
        "map list",
        &[(
            "kado map list --project /srv/shop",
            "every test case with its ids",
        )],
    ),
    (
        "map set",
        &[
            ("kado map set \"Test Cases/Login\" 1865", "one id"),
            ("kado map set Login 1865,1866", "two ids"),
            (
                "kado map set Login '${ado_id}'",
                "the value of a variable in each run",
            ),
        ],
    ),
    (
        "map clear",
        &[("kado map clear \"Test Cases/Login\"", "take its ids away")],
    ),
    (
        "map suggest",
        &[
            ("kado map suggest", "what fits, and why"),
            ("kado map suggest --apply", "write what is sure"),
            (
                "kado map suggest --all --min 0.8",
                "look at the whole ADO project, and be less sure",
            ),
        ],
    ),
    (
        "map export",
        &[("kado map export ids.csv", "a table for a spreadsheet")],
    ),
    (
        "map import",
        &[("kado map import ids.csv", "the ids of that table")],
    ),
    (
        "map verify",
        &[("kado map verify", "ask Azure DevOps for every id")],
    ),
    (
        "runs",
        &[
            ("kado runs --state parked", "what needs a person"),
            (
                "kado runs --since 3d --suite smoke",
                "smoke suites of the past three days",
            ),
            ("kado runs --watch", "watch runs arrive"),
        ],
    ),
    (
        "runs show",
        &[
            ("kado runs show 17", "all that is known of run 17"),
            (
                "kado runs show 17 --history",
                "what happened to it, and when",
            ),
        ],
    ),
    (
        "runs retry",
        &[
            ("kado runs retry 17", "try run 17 now"),
            (
                "kado runs retry 17 --plan 19",
                "send it to another test plan",
            ),
            (
                "kado runs retry --failed",
                "try everything again that failed",
            ),
        ],
    ),
    (
        "runs verify",
        &[
            (
                "kado runs verify 17",
                "is run 17 in Azure DevOps as it was sent",
            ),
            (
                "kado runs verify --since 30d",
                "the same for all runs of a month",
            ),
        ],
    ),
    (
        "runs forget",
        &[("kado runs forget 17", "never submit run 17 by itself")],
    ),
    (
        "status",
        &[("kado status", "is the service up, and what needs a person")],
    ),
    (
        "why",
        &[(
            "kado why Reports/20260506_081459/Smoke",
            "what became of each run of a suite's folder",
        )],
    ),
    (
        "support",
        &[(
            "kado support --offline help.zip",
            "what a helper has to know, without a secret",
        )],
    ),
    (
        "metrics",
        &[(
            "kado metrics --textfile /var/lib/node_exporter/kado.prom",
            "for node_exporter, where no port may be opened",
        )],
    ),
    (
        "page",
        &[("kado page", "open the status page with its buttons")],
    ),
    (
        "notify",
        &[("kado notify test", "send a test by each way of [notify]")],
    ),
    (
        "notify test",
        &[("kado notify test", "send a test by each way of [notify]")],
    ),
    (
        "service",
        &[
            ("kado service install", "start with the machine"),
            (
                "kado service set-token",
                "store its token, read from standard input",
            ),
        ],
    ),
    (
        "service install",
        &[("kado service install --user", "for your own account")],
    ),
    (
        "service uninstall",
        &[("kado service uninstall", "keep configuration and state")],
    ),
    (
        "service start",
        &[("kado service start", "start the service of the machine")],
    ),
    (
        "service stop",
        &[("kado service stop", "stop the service of the machine")],
    ),
    (
        "service restart",
        &[("kado service restart", "stop it and start it again")],
    ),
    (
        "service status",
        &[("kado service status", "is it installed, and does it run")],
    ),
    (
        "service set-token",
        &[(
            "kado service set-token",
            "paste the token, then press Enter",
        )],
    ),
    (
        "completions",
        &[("kado completions bash", "a script for bash")],
    ),
    ("man", &[("kado man", "this program's manual page")]),
];

/// The examples of a command, by its words behind `kado`.
pub(super) fn of(command: &str) -> &'static [Example] {
    let known = EXAMPLES.iter().find(|(words, _)| *words == command);
    known.map_or(&[], |(_, examples)| examples)
}

/// The command with the examples behind the help of each of its commands.
pub(super) fn with_examples(command: Command) -> Command {
    with_examples_below(command, "")
}

fn with_examples_below(command: Command, words: &str) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();

    let mut command = command;
    for name in names {
        let below = format!("{words} {name}");
        command = command.mut_subcommand(&name, |command| {
            with_examples_below(command, below.trim_start())
        });
    }
    match of(words) {
        [] => command,
        examples => command.after_help(in_help(examples)),
    }
}

fn in_help(examples: &[Example]) -> String {
    let mut text = "Examples:".to_owned();
    for (line, purpose) in examples {
        text.push_str(&format!("\n  {line}\n      {purpose}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    /// The words behind `kado` of each command that does something.
    fn all(command: &Command, words: &str) -> Vec<String> {
        let mut found = vec![words.trim_start().to_owned()];
        for below in command
            .get_subcommands()
            .filter(|below| !below.is_hide_set())
        {
            found.extend(all(below, &format!("{words} {}", below.get_name())));
        }
        found
    }

    /// The words of a line of a shell, as far as examples need it.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut is_quoted = false;
        for letter in line.chars() {
            match letter {
                '"' | '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                _ => words.last_mut().unwrap().push(letter),
            }
        }
        words
    }

    #[test]
    fn every_command_has_examples_and_nothing_else_has() {
        let mut commands = all(&Cli::command(), "");
        commands.sort();
        let mut with_examples: Vec<&str> = EXAMPLES.iter().map(|(words, _)| *words).collect();
        with_examples.sort_unstable();

        assert_eq!(commands, with_examples);
    }

    #[test]
    fn every_example_is_a_command_that_kado_takes() {
        for (command, examples) in EXAMPLES {
            for (line, _) in *examples {
                assert!(line.starts_with(&format!("kado {command}")), "{line}");
                if let Err(error) = Cli::try_parse_from(words(line)) {
                    panic!("{line}: {error}");
                }
            }
        }
    }
}
