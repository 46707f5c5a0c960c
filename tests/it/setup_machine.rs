//! `kado setup` of a machine: without a question, and with.

#![expect(clippy::disallowed_methods, reason = "tests read what was written")]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use crate::support::{Machine, TOKEN, finish, finish_with, world};
use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::AzureSettings;

/// A machine without a configuration, and with one Katalon project.
fn fresh() -> Machine {
    Machine::fresh(world())
}

fn token_file(machine: &Machine) -> PathBuf {
    machine.root().join("kado-token")
}

fn config(machine: &Machine) -> String {
    fs::read_to_string(machine.config_file()).unwrap()
}

/// Fails where anything was written.
fn assert_untouched(machine: &Machine) {
    assert!(!machine.config_file().exists());
    assert!(!token_file(machine).exists());
}

#[test]
fn one_command_without_a_question_sets_a_machine_up() {
    let machine = fresh();

    let done = machine.set_up_with_token(
        &["--history", "all", "--expires", "2099-12-31"],
        &format!("{TOKEN}\n"),
    );

    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(machine.readable(&config(&machine)));
    assert_eq!(
        fs::read_to_string(token_file(&machine)).unwrap(),
        format!("{TOKEN}\n")
    );
    assert_eq!(machine.kado(&["check"]).code, 0, "{done:?}");
}

#[test]
fn a_setup_says_whose_the_token_is_and_what_kado_check_says() {
    let machine = fresh();

    let done = machine.set_up_with_token(&[], TOKEN);

    let said = machine.readable(&done.out);
    assert!(
        said.starts_with("the server knows it as that of "),
        "{said}"
    );
    for part in [
        "wrote `[temp]/kado.toml`",
        "wrote `[temp]/kado-token`",
        "\nkado check:\n",
        "`kado setup \"[temp]/work/Shop\"`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn the_token_file_is_closed() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = fresh();

    machine.set_up_with_token(&[], TOKEN);

    let mode = fs::metadata(token_file(&machine))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o037, 0, "{mode:o}");
}

#[test]
fn a_token_that_the_server_does_not_know_is_not_written() {
    let machine = fresh();

    let refused = machine.set_up_with_token(&[], "another-token-0123456789");

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("nothing was written"), "{refused:?}");
    assert_untouched(&machine);
}

#[test]
fn a_sign_in_page_is_a_refusal() {
    let machine = fresh();
    let page = FaultAction::Refused(Refusal::SignInPage203);
    machine.fake.fault(Fault::new("*", "", Nth::Every, page));

    let refused = machine.set_up_with_token(&[], TOKEN);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert_untouched(&machine);
}

#[test]
fn a_server_that_does_not_answer_gets_no_token_and_nothing_is_written() {
    let machine = fresh();
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/acme", closed.local_addr().unwrap());
    drop(closed);
    let work = machine.work().display().to_string();

    let unreachable = finish_with(
        machine.command(&[
            "setup",
            "--unattended",
            "--watch",
            &work,
            "--server-url",
            &url,
            "--token-stdin",
        ]),
        TOKEN,
    );

    assert_eq!(unreachable.code, 4, "{unreachable:?}");
    assert_untouched(&machine);
}

#[test]
fn a_token_that_cannot_submit_is_refused_with_the_scope_that_it_lacks() {
    let narrow = "narrow-token-0123456789";
    let machine = Machine::fresh(world().token_with(narrow, &["vso.work", "vso.project"]));

    let refused = machine.set_up_with_token(&[], narrow);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused.out.contains(
            "it lacks the scope Test Management (read & write): nothing can be submitted"
        ),
        "{refused:?}"
    );
    assert_untouched(&machine);
}

#[test]
fn a_scope_that_costs_less_is_said_and_taken() {
    let narrow = "narrow-token-0123456789";
    let machine = Machine::fresh(world().token_with(narrow, &["vso.work", "vso.test_write"]));

    let done = machine.set_up_with_token(&[], narrow);

    assert_eq!(done.code, 0, "{done:?}");
    for scope in ["Build (read)", "Release (read)", "Project and Team (read)"] {
        assert!(
            done.out.contains(&format!("it lacks the scope {scope}: ")),
            "{done:?}"
        );
    }
}

#[test]
fn a_token_that_may_do_more_than_is_needed_is_told() {
    let machine = fresh();

    let done = machine.set_up_with_token(&[], TOKEN);

    assert!(
        done.out.contains("a token with full access can do more"),
        "{done:?}"
    );
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let machine = fresh();

    let missing = finish_with(
        machine.command(&["setup", "--unattended", "--token-stdin"]),
        TOKEN,
    );

    assert_eq!(missing.code, 2, "{missing:?}");
    insta::assert_snapshot!(missing.err);
    assert_untouched(&machine);
}

#[test]
fn a_server_without_a_token_is_missing_one() {
    let machine = fresh();
    let work = machine.work().display().to_string();
    let url = machine.fake.base_url();

    let missing = machine.kado(&[
        "setup",
        "--unattended",
        "--watch",
        &work,
        "--server-url",
        &url,
    ]);

    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(
        missing.err.contains("--token-stdin, or --identity-kind"),
        "{missing:?}"
    );
}

#[test]
fn an_identity_that_makes_no_sense_is_told_by_its_options_and_not_by_lines() {
    let machine = fresh();
    let url = machine.fake.base_url();
    let work = machine.work().display().to_string();
    let with = |options: &[&str]| {
        let machine_options = [
            "setup",
            "--unattended",
            "--watch",
            &work,
            "--server-url",
            &url,
            "--no-service",
        ];
        machine.kado(&[&machine_options, options].concat())
    };

    let kind = with(&["--identity-kind", "federate"]);
    let tenant = with(&[
        "--identity-kind",
        "federated",
        "--identity-tenant-id",
        "a b",
    ]);

    assert_eq!((kind.code, tenant.code), (2, 2), "{kind:?} {tenant:?}");
    assert!(
        kind.err
            .contains("`--identity-kind` is `federate`; did you mean `federated`?"),
        "{kind:?}"
    );
    assert!(
        tenant.err.contains("`azure.identity.tenant_id` is `a b`"),
        "{tenant:?}"
    );
    assert!(!tenant.err.contains("line "), "{tenant:?}");
    assert_untouched(&machine);
}

#[test]
fn an_option_of_a_project_needs_a_project_and_one_of_the_machine_none() {
    let machine = fresh();

    let without = machine.kado(&["setup", "--unattended", "--plan", "18"]);
    let with = machine.kado(&["setup", "--unattended", "Shop", "--history", "all"]);

    assert_eq!((without.code, with.code), (2, 2));
    assert!(
        without.err.contains("`--plan` sets up a project"),
        "{without:?}"
    );
    assert!(
        with.err.contains("`--history` sets up the machine"),
        "{with:?}"
    );
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let machine = fresh();

    let refused = machine.kado(&["setup"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--unattended"), "{refused:?}");
}

#[test]
fn comments_and_other_keys_of_a_configuration_stay() {
    let machine = Machine::new();
    let state = machine.state();
    machine.configure_only(&format!(
        "# ours\nwatch = [ # all agents\n  {:?},\n]\nstate_dir = {state:?}\nlate = \"send\" # on purpose\n",
        machine.work()
    ));

    let done = machine.set_up_with_token(&[], TOKEN);

    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(machine.readable(&config(&machine)));
}

#[test]
fn a_project_that_is_switched_off_is_named_with_the_command_that_switches_it_on() {
    let machine = fresh();
    let settings = AzureSettings {
        enabled: false,
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);

    let done = machine.set_up_with_token(&[], TOKEN);

    assert_eq!(done.code, 0, "{done:?}");
    let said = machine.readable(&done.out);
    assert!(
        said.contains(
            "  • nothing of `[temp]/work/Shop` is submitted, because its integration is switched off; \
             `kado setup \"[temp]/work/Shop\"` switches it on\n"
        ),
        "{said}"
    );
}

#[test]
fn the_same_setup_again_changes_nothing() {
    let machine = fresh();
    machine.set_up_with_token(&[], TOKEN);
    let before = config(&machine);

    let again = machine.set_up_with_token(&[], TOKEN);

    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(config(&machine), before);
    assert!(!again.out.contains("kado.toml`"), "{again:?}");
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let machine = Machine::new();
    machine.configure_only("# ours\nwatch = []\n");

    let shown = machine.set_up_with_token(&["--dry-run"], TOKEN);

    assert_eq!(shown.code, 0, "{shown:?}");
    insta::assert_snapshot!(machine.readable(&shown.out));
    assert_eq!(config(&machine), "# ours\nwatch = []\n");
    assert!(!token_file(&machine).exists());
}

#[test]
fn a_token_is_not_kept_for_another_server() {
    let machine = fresh();
    machine.set_up_with_token(&[], TOKEN);
    let before = config(&machine);

    let missing = machine.kado(&[
        "setup",
        "--unattended",
        "--server-url",
        "https://dev.azure.com/other",
    ]);

    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.err.contains("--token-stdin"), "{missing:?}");
    assert_eq!(config(&machine), before);
}

#[test]
fn a_token_that_cannot_be_kept_leaves_the_configuration_as_it_was() {
    let machine = Machine::new();
    machine.configure_only("# ours\nwatch = []\n");
    // A folder of this name is in the way.
    fs::create_dir(token_file(&machine)).unwrap();

    let failed = machine.set_up_with_token(&[], TOKEN);

    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.err.contains("is as it was"), "{failed:?}");
    assert_eq!(config(&machine), "# ours\nwatch = []\n");
}

#[test]
fn a_configuration_that_is_no_toml_is_left_for_a_person() {
    let machine = Machine::new();
    machine.configure_only("watch = [\n");

    let refused = machine.set_up_with_token(&[], TOKEN);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("is no TOML"), "{refused:?}");
    assert_eq!(config(&machine), "watch = [\n");
}

#[test]
fn the_end_of_a_token_is_told_in_time() {
    let machine = Machine::new();
    let today = jiff::Zoned::now().date();
    for (days, told) in [(3, "ends in 3 days"), (-1, "ended on ")] {
        let day = today + jiff::Span::new().days(days);
        machine.configure(&format!("[azure]\nexpires = \"{day}\"\n"));

        let status = machine.kado(&["status"]);
        let check = machine.kado(&["check"]);

        assert_eq!(status.code, 1, "{status:?}");
        assert!(status.out.contains(told), "{status:?}");
        assert!(check.out.contains(told), "{check:?}");
    }
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use fake_katalon::ProjectWriter;

    use super::*;
    use crate::support::{CTRL_C, DOWN, ENTER, ESC, Terminal};

    fn dialogue(machine: &Machine) -> Terminal {
        Terminal::start(machine.command(&["setup"]))
    }

    /// Answers everything up to the last question.
    fn answer_all(machine: &Machine, terminal: &mut Terminal) {
        terminal.answers("Which folders hold Katalon projects?", ENTER);
        terminal.answers(
            "Which Azure DevOps?",
            &format!("{}{ENTER}", machine.fake.base_url()),
        );
        terminal.answers("What does it know kado by?", ENTER);
        terminal.answers("Token", &format!("{TOKEN}{ENTER}"));
        terminal.meets("the server knows it as that of");
        terminal.answers("When does it end?", &format!("2099-12-31{ENTER}"));
        terminal.answers(
            "Which finished runs are submitted?",
            &format!("{DOWN}{ENTER}"),
        );
    }

    #[test]
    fn the_questions_lead_to_a_machine_that_is_set_up() {
        let machine = fresh();
        let mut terminal = dialogue(&machine);

        answer_all(&machine, &mut terminal);
        terminal.answers("Is this right?", ENTER);
        let (code, said) = terminal.ends();

        assert_eq!(code, 0, "{said}");
        let written = config(&machine);
        assert!(written.contains("history = \"all\"\n"), "{written}");
        assert!(written.contains("expires = \"2099-12-31\"\n"), "{written}");
        assert_eq!(machine.kado(&["check"]).code, 0, "{said}");
    }

    #[test]
    fn ctrl_c_leaves_everything_as_it_was() {
        let machine = fresh();
        let mut terminal = dialogue(&machine);

        answer_all(&machine, &mut terminal);
        terminal.answers("Is this right?", CTRL_C);
        let (code, said) = terminal.ends();

        assert_eq!(code, 1, "{said}");
        assert!(said.contains("nothing was changed"), "{said}");
        assert_untouched(&machine);
    }

    #[test]
    fn esc_goes_back_to_the_question_before() {
        let machine = fresh();
        let mut terminal = dialogue(&machine);

        terminal.answers("Which folders hold Katalon projects?", ENTER);
        terminal.answers("Which Azure DevOps?", ESC);
        terminal.answers("Which folders hold Katalon projects?", ESC);
        terminal.meets("this is the first question");
        terminal.answers("Which folders hold Katalon projects?", CTRL_C);
        let (code, said) = terminal.ends();

        assert_eq!(code, 1, "{said}");
    }

    #[test]
    fn a_wrong_token_is_asked_for_again() {
        let machine = fresh();
        let mut terminal = dialogue(&machine);

        terminal.answers("Which folders hold Katalon projects?", ENTER);
        terminal.answers(
            "Which Azure DevOps?",
            &format!("{}{ENTER}", machine.fake.base_url()),
        );
        terminal.answers("What does it know kado by?", ENTER);
        terminal.answers("Token", &format!("another-token-0123456789{ENTER}"));
        terminal.meets("refused the credentials");
        terminal.answers("Token", &format!("{TOKEN}{ENTER}"));
        terminal.meets("the server knows it as that of");
        terminal.types(CTRL_C);

        assert_eq!(terminal.ends().0, 1);
    }

    #[test]
    fn the_work_folder_of_an_agent_in_a_home_is_offered() {
        let machine = fresh();
        let agent = machine.root().join("agent").join("_work");
        ProjectWriter::new(agent.join("1").join("s"))
            .write()
            .unwrap();
        let mut terminal = dialogue(&machine);

        terminal.meets("Which folders hold Katalon projects?");
        terminal.meets(&format!("{} (1 project)", agent.display()));
        terminal.types(CTRL_C);

        assert_eq!(terminal.ends().0, 1);
    }
}

#[test]
fn a_closed_standard_input_is_no_token() {
    let machine = fresh();

    let refused = finish(machine.command(&["setup", "--unattended", "--token-stdin"]));

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("standard input must hold a token"),
        "{refused:?}"
    );
}
