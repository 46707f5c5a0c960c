//! `kado setup` with each kind of Entra identity, by options and by the dialogue, and what `kado
//! check` says of the machine afterwards.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write certificates and read what was written"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fake_ado::World;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

use crate::support::{Machine, Output, closed_file, finish, world};

const TENANT: &str = "7f3c9a52-1111-2222-3333-444455556666";
const CLIENT: &str = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff";
const CONNECTION: &str = "5b1c2d3e-0000-1111-2222-333344445555";
/// What proves each of them; none of it may be shown.
const SECRET: &str = "s3cret~of.the-application";
const FEDERATED: &str = "eyJ.of-another-issuer.x";
const JOB_TOKEN: &str = "job-token-0123456789";

/// A machine that is to know itself by an identity.
struct Applicant {
    machine: Machine,
    /// What the system around it says.
    environment: Vec<(&'static str, String)>,
    /// The file with what proves it.
    proof: PathBuf,
}

impl Applicant {
    fn new(world: World, proof: &str) -> Self {
        let machine = Machine::fresh_without_token(world);
        let proof = closed_file(&machine.root().join("proof"), proof);
        Self {
            machine,
            environment: Vec::new(),
            proof,
        }
    }

    fn with_secret() -> Self {
        Self::new(world().application(TENANT, CLIENT, SECRET), SECRET)
    }

    fn with_certificate() -> Self {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let certificate = CertificateParams::new(Vec::new())
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let world = world().application_with_certificate(
            TENANT,
            CLIENT,
            certificate.der(),
            key.public_key_raw(),
        );
        Self::new(
            world,
            &format!("{}{}", certificate.pem(), key.serialize_pem()),
        )
    }

    /// A machine whose environment says where its own identity has its tokens.
    fn managed() -> Self {
        let mut applicant = Self::new(world().managed_identity("first"), "");
        let endpoint = format!(
            "{}/metadata/identity/oauth2/token",
            applicant.machine.fake.authority_url()
        );
        applicant.environment = vec![
            ("IDENTITY_ENDPOINT", endpoint),
            ("IDENTITY_HEADER", "of-this-machine".to_owned()),
        ];
        applicant
    }

    fn federated() -> Self {
        Self::new(
            world().federated_application(TENANT, CLIENT, FEDERATED),
            FEDERATED,
        )
    }

    /// A job of Azure Pipelines that hands its token over.
    fn in_job() -> Self {
        let mut applicant = Self::federated();
        let fake = &applicant.machine.fake;
        fake.world().entra.service_connection =
            Some([CONNECTION, JOB_TOKEN, FEDERATED].map(str::to_owned));
        let collection = format!("{}/", fake.base_url());
        let oidc = format!("{collection}1/_apis/distributedtask/hubs/build/plans/2/oidctoken");
        applicant.environment = vec![
            ("TF_BUILD", "True".to_owned()),
            ("SYSTEM_COLLECTIONURI", collection),
            ("SYSTEM_OIDCREQUESTURI", oidc),
            ("SYSTEM_ACCESSTOKEN", JOB_TOKEN.to_owned()),
        ];
        applicant
    }

    fn authority(&self) -> String {
        self.machine.fake.authority_url()
    }

    fn proof(&self) -> String {
        self.proof.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.machine.command(arguments);
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    /// `kado setup --unattended` with an identity of this kind and these options.
    fn set_up(&self, kind: &str, options: &[&str]) -> Output {
        let work = self.machine.work().display().to_string();
        let url = self.machine.fake.base_url();
        let first = [
            "setup",
            "--unattended",
            "--watch",
            &work,
            "--server-url",
            &url,
            "--identity-kind",
            kind,
        ];
        finish(self.command(&[&first, options].concat()))
    }

    /// The same with tenant, application and authority.
    fn set_up_application(&self, kind: &str, options: &[&str]) -> Output {
        let authority = self.authority();
        let application = [
            "--identity-tenant-id",
            TENANT,
            "--identity-client-id",
            CLIENT,
            "--identity-authority-url",
            &authority,
        ];
        self.set_up(kind, &[&application, options].concat())
    }

    /// What `kado.toml` says of the identity.
    fn written(&self) -> String {
        let file = fs::read_to_string(self.machine.config_file()).unwrap();
        let line = file.lines().find(|line| line.starts_with("identity = "));
        self.machine.readable(line.unwrap_or_default())
    }

    /// Fails unless `kado check` uses the identity that was written, and nothing showed a secret.
    fn assert_in_use(&self, said: &str) {
        let checked = finish(self.command(&["check"]));

        assert_eq!(checked.code, 0, "{checked:?}");
        assert!(
            checked.out.contains("fetched and renewed by kado"),
            "{checked:?}"
        );
        assert!(!self.machine.fake.world().entra.issued().is_empty());
        let file = fs::read_to_string(self.machine.config_file()).unwrap();
        for secret in [SECRET, FEDERATED, JOB_TOKEN, "PRIVATE KEY"] {
            for text in [said, &checked.out, &checked.err, &file] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
        }
    }

    /// Fails where anything was written.
    fn assert_untouched(&self) {
        assert!(!self.machine.config_file().exists());
    }
}

#[test]
fn a_secret_given_by_options_is_written_and_used() {
    let applicant = Applicant::with_secret();

    let done = applicant.set_up_application(
        "service-principal",
        &["--identity-client-secret-file", &applicant.proof()],
    );

    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(applicant.written(), @r#"identity = { kind = "service-principal", tenant_id = "7f3c9a52-1111-2222-3333-444455556666", client_id = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff", client_secret_file = "[temp]/proof" }"#);
    applicant.assert_in_use(&format!("{done:?}"));
}

#[test]
fn a_certificate_given_by_options_is_written_and_used() {
    let applicant = Applicant::with_certificate();

    let done = applicant.set_up_application(
        "service-principal",
        &["--identity-certificate-file", &applicant.proof()],
    );

    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(applicant.written(), @r#"identity = { kind = "service-principal", tenant_id = "7f3c9a52-1111-2222-3333-444455556666", client_id = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff", certificate_file = "[temp]/proof" }"#);
    applicant.assert_in_use(&format!("{done:?}"));
}

#[test]
fn a_managed_identity_given_by_options_is_written_and_used() {
    let applicant = Applicant::managed();

    let done = applicant.set_up("managed-identity", &[]);

    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(applicant.written(), @r#"identity = { kind = "managed-identity" }"#);
    applicant.assert_in_use(&format!("{done:?}"));
}

#[test]
fn a_file_with_a_federated_token_given_by_options_is_written_and_used() {
    let applicant = Applicant::federated();

    let done =
        applicant.set_up_application("federated", &["--identity-token-file", &applicant.proof()]);

    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(applicant.written(), @r#"identity = { kind = "federated", tenant_id = "7f3c9a52-1111-2222-3333-444455556666", client_id = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff", token_file = "[temp]/proof" }"#);
    applicant.assert_in_use(&format!("{done:?}"));
}

#[test]
fn a_service_connection_given_by_options_is_written_and_used() {
    let applicant = Applicant::in_job();

    let done = applicant.set_up_application(
        "federated",
        &["--identity-service-connection-id", CONNECTION],
    );

    assert_eq!(done.code, 0, "{done:?}");
    insta::assert_snapshot!(applicant.written(), @r#"identity = { kind = "federated", tenant_id = "7f3c9a52-1111-2222-3333-444455556666", client_id = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff", service_connection_id = "5b1c2d3e-0000-1111-2222-333344445555" }"#);
    applicant.assert_in_use(&format!("{done:?}"));
}

#[test]
fn what_proves_nothing_is_not_written() {
    let mut outside_of_a_job = Applicant::in_job();
    outside_of_a_job.environment.clear();
    let wrong_secret = Applicant::new(world().application(TENANT, CLIENT, "another"), SECRET);

    let no_job = outside_of_a_job.set_up_application(
        "federated",
        &["--identity-service-connection-id", CONNECTION],
    );
    let refused = wrong_secret.set_up_application(
        "service-principal",
        &["--identity-client-secret-file", &wrong_secret.proof()],
    );

    assert_eq!(no_job.code, 1, "{no_job:?}");
    assert!(no_job.err.contains("SYSTEM_OIDCREQUESTURI"), "{no_job:?}");
    outside_of_a_job.assert_untouched();
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("AADSTS7000215"), "{refused:?}");
    wrong_secret.assert_untouched();
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use super::*;
    use crate::support::{DOWN, ENTER, Terminal};

    /// Answers up to the kind of the credential, so many lines below the first.
    fn begin(applicant: &Applicant, down: usize) -> Terminal {
        let mut terminal = Terminal::start(applicant.command(&["setup"]));
        terminal.answers("Which folders hold Katalon projects?", ENTER);
        terminal.answers(
            "Which Azure DevOps?",
            &format!("{}{ENTER}", applicant.machine.fake.base_url()),
        );
        terminal.answers(
            "What does it know kado by?",
            &format!("{}{ENTER}", DOWN.repeat(down)),
        );
        terminal
    }

    /// Answers the questions for tenant and application.
    fn answer_application(terminal: &mut Terminal) {
        terminal.answers("Tenant", &format!("{TENANT}{ENTER}"));
        terminal.answers("Application (client) ID", &format!("{CLIENT}{ENTER}"));
    }

    /// Answers what is left, and looks at what came of it.
    fn end(applicant: &Applicant, mut terminal: Terminal) {
        terminal.meets("the server knows it as that of");
        terminal.answers("Which finished runs are submitted?", ENTER);
        terminal.answers("Is this right?", ENTER);
        let (code, said) = terminal.ends();

        assert_eq!(code, 0, "{said}");
        applicant.assert_in_use(&said);
    }

    #[test]
    fn a_secret_that_is_answered_is_written_and_used() {
        let applicant = Applicant::with_secret();

        let mut terminal = begin(&applicant, 1);
        answer_application(&mut terminal);
        terminal.answers("What does it prove itself with?", ENTER);
        terminal.answers("File with it", &format!("{}{ENTER}", applicant.proof()));
        terminal.answers(
            "Who issues its tokens?",
            &format!("{}{ENTER}", applicant.authority()),
        );

        end(&applicant, terminal);
    }

    #[test]
    fn a_certificate_that_is_answered_is_written_and_used() {
        let applicant = Applicant::with_certificate();

        let mut terminal = begin(&applicant, 1);
        answer_application(&mut terminal);
        terminal.answers("What does it prove itself with?", &format!("{DOWN}{ENTER}"));
        terminal.answers("File with it", &format!("{}{ENTER}", applicant.proof()));
        terminal.answers(
            "Who issues its tokens?",
            &format!("{}{ENTER}", applicant.authority()),
        );

        end(&applicant, terminal);
    }

    #[test]
    fn a_managed_identity_that_is_chosen_is_written_and_used() {
        let applicant = Applicant::managed();

        let mut terminal = begin(&applicant, 2);
        terminal.answers("Client ID of the identity", ENTER);

        end(&applicant, terminal);
    }

    #[test]
    fn a_file_with_a_federated_token_that_is_answered_is_written_and_used() {
        let applicant = Applicant::federated();

        let mut terminal = begin(&applicant, 3);
        terminal.answers("Whose token proves it?", &format!("{DOWN}{ENTER}"));
        answer_application(&mut terminal);
        terminal.answers(
            "File with the token",
            &format!("{}{ENTER}", applicant.proof()),
        );
        terminal.answers(
            "Who issues its tokens?",
            &format!("{}{ENTER}", applicant.authority()),
        );

        end(&applicant, terminal);
    }

    #[test]
    fn a_service_connection_that_is_answered_is_written_and_used() {
        let applicant = Applicant::in_job();

        let mut terminal = begin(&applicant, 3);
        terminal.answers("Whose token proves it?", &format!("{DOWN}{DOWN}{ENTER}"));
        answer_application(&mut terminal);
        terminal.answers("Service connection", &format!("{CONNECTION}{ENTER}"));
        terminal.answers(
            "Who issues its tokens?",
            &format!("{}{ENTER}", applicant.authority()),
        );

        end(&applicant, terminal);
    }

    #[test]
    fn what_a_pod_says_is_enough_and_what_it_does_not_say_is_named() {
        let applicant = Applicant::federated();

        let mut terminal = begin(&applicant, 3);
        terminal.answers("Whose token proves it?", ENTER);
        terminal.meets("$AZURE_TENANT_ID");
        terminal.answers("Whose token proves it?", "\u{3}");
        let (code, said) = terminal.ends();

        assert_eq!(code, 1, "{said}");
        applicant.assert_untouched();
    }
}
