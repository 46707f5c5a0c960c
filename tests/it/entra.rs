//! Entra identities in place of a token: service principals and managed identities.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write certificates and secrets"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use fake_ado::{Fault, FaultAction, Nth, Refusal, World};
use fake_katalon::{AzureSettings, Test};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

use crate::support::{Machine, Output, closed_file, finish, finished, in_namespace, tc, world};

const TENANT: &str = "7f3c9a52-1111-2222-3333-444455556666";
const CLIENT: &str = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff";
const SECRET: &str = "s3cret~of.the-application";

/// A machine whose project has no token, with this identity for its server.
fn machine(world: World, identity: impl Fn(&Machine) -> String) -> Machine {
    let machine = Machine::with(world);
    let identity = identity(&machine);
    let azure = format!(
        "server_url = {:?}\nauthority_url = {:?}\n",
        machine.fake.base_url(),
        machine.fake.authority_url()
    );
    machine.configure(&format!("[azure]\n{azure}{identity}"));
    let settings = AzureSettings {
        token: None,
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Login", "1001")]);

    machine
}

fn with_secret(machine: &Machine) -> String {
    let file = closed_file(&machine.root().join("secret"), &format!("{SECRET}\n"));
    format!(
        "[azure.identity]\nkind = \"service-principal\"\ntenant_id = {TENANT:?}\nclient_id = {CLIENT:?}\nclient_secret_file = {file:?}\n"
    )
}

fn submit(machine: &Machine) -> Output {
    machine.submit(
        &machine.work().join("Shop"),
        &finished([Test::failed(&tc("Login"), "no").screenshot()]),
    )
}

/// The tokens that were issued, and whether every request to the organization carried one of them.
fn issued(machine: &Machine) -> usize {
    let requests = machine.fake.requests();
    let of_ado = requests
        .iter()
        .filter(|request| request.path.contains("/_apis"));

    assert!(
        of_ado.clone().count() > 0
            && of_ado
                .into_iter()
                .all(|request| request.scheme == Some("Bearer"))
    );
    machine.fake.world().entra.issued().len()
}

#[test]
fn a_service_principal_with_a_secret_submits_with_one_token() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(issued(&machine), 1);
    assert_eq!(machine.ado_run().state.as_str(), "Completed");
    assert!(
        !machine
            .fake
            .requests()
            .iter()
            .any(|request| request.suppresses_sign_in),
        "Conditional Access"
    );
}

#[test]
fn a_service_principal_with_a_certificate_signs_its_statement() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate = CertificateParams::new(Vec::new())
        .unwrap()
        .self_signed(&key)
        .unwrap();
    // With a byte order mark, as some editors write it.
    let pem = format!("\u{feff}{}{}", certificate.pem(), key.serialize_pem());
    let world = world().application_with_certificate(
        TENANT,
        CLIENT,
        certificate.der(),
        key.public_key_raw(),
    );
    let machine = machine(world, |machine| {
        let file = closed_file(&machine.root().join("app.pem"), &pem);
        format!(
            "[azure.identity]\nkind = \"service-principal\"\ntenant_id = {TENANT:?}\nclient_id = {CLIENT:?}\ncertificate_file = {file:?}\n"
        )
    });

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(issued(&machine), 1);

    let other = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let pem = format!("{}{}", other.serialize_pem(), certificate.pem());
    closed_file(&machine.root().join("app.pem"), &pem);

    let refused = machine.kado(&["check"]);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.out.contains("AADSTS700027"), "{refused:?}");
}

#[test]
fn a_managed_identity_gets_its_token_from_the_machine() {
    for (line, of) in [("", "first"), ("client_id = \"second\"\n", "second")] {
        let world = world().managed_identity("first").managed_identity("second");
        let machine = machine(world, |_| {
            format!("[azure.identity]\nkind = \"managed-identity\"\n{line}")
        });

        let submitted = submit(&machine);

        assert_eq!(submitted.code, 0, "{submitted:?}");
        assert_eq!(issued(&machine), 1);
        assert_eq!(machine.fake.world().entra.issued()[0].client_id, of);
    }
}

/// `kado check` in the environment of App Service (with a header) or of an Azure Arc machine, for
/// which the fake stands in.
fn check_in(machine: &Machine, name: &str, value: &str) -> Command {
    let config = fs::read_to_string(machine.config_file()).unwrap();
    let without = config
        .lines()
        .filter(|line| !line.starts_with("authority_url"));
    machine.configure_only(&without.collect::<Vec<_>>().join("\n"));
    let endpoint = format!(
        "{}/metadata/identity/oauth2/token",
        machine.fake.authority_url()
    );
    let mut command = machine.command(&["check"]);
    command.env("IDENTITY_ENDPOINT", endpoint).env(name, value);

    command
}

#[test]
fn app_service_says_through_the_environment_where_its_tokens_are() {
    let machine = machine(world().managed_identity("first"), |_| {
        "[azure.identity]\nkind = \"managed-identity\"\n".to_owned()
    });

    let checked = finish(check_in(
        &machine,
        "IDENTITY_HEADER",
        "a-secret-of-the-host",
    ));

    assert_eq!(checked.code, 0, "{checked:?}");
    assert_eq!(issued(&machine), 1);
    assert!(
        checked
            .out
            .contains("token: the Entra identity of `azure.identity`, fetched and renewed by kado"),
        "{checked:?}"
    );
    assert!(!checked.out.contains("a-secret-of-the-host"), "{checked:?}");
    // It says when a token ends and not how long it lives.
    let until = machine.fake.world().entra.issued()[0].until;
    let told = format!(
        "the present token is good until {}",
        until.strftime("%Y-%m-%dT%H:%M:%S")
    );
    assert!(checked.out.contains(&told), "{told}: {checked:?}");
}

#[test]
fn the_arc_agent_cannot_make_kado_send_any_file_but_its_keys() {
    let machine = machine(world().managed_identity("first"), |_| {
        "[azure.identity]\nkind = \"managed-identity\"\n".to_owned()
    });
    let other = closed_file(&machine.root().join("other.key"), "somebody else's secret");

    for file in [
        other.to_string_lossy().into_owned(),
        "/var/opt/azcmagent/tokens/../../../../etc/passwd".to_owned(),
    ] {
        machine.fake.world().entra.arc_key = Some((file, String::new()));

        let checked = finish(check_in(
            &machine,
            "IMDS_ENDPOINT",
            "http://localhost:40342",
        ));

        assert_eq!(checked.code, 3, "{checked:?}");
        assert!(
            checked
                .out
                .contains("which is not where keys of the agent lie"),
            "{checked:?}"
        );
    }

    assert!(
        machine
            .fake
            .requests()
            .iter()
            .all(|request| request.scheme.is_none())
    );
}

#[test]
fn the_arc_agent_issues_a_token_to_whoever_can_read_its_key() {
    const KEY: &str = "/var/opt/azcmagent/tokens/one.key";
    let machine = machine(world().managed_identity("first"), |_| {
        "[azure.identity]\nkind = \"managed-identity\"\n".to_owned()
    });
    machine.fake.world().entra.arc_key = Some((KEY.to_owned(), "of-this-machine".to_owned()));
    let check = check_in(&machine, "IMDS_ENDPOINT", "http://localhost:40342");
    let agent = "mount -t tmpfs none /var/opt && mkdir -p /var/opt/azcmagent/tokens";
    let with =
        |then: &str| in_namespace(&check, &["--mount"], &format!("{agent} && {then}")).map(finish);
    let Some(closed) = with("true") else { return };

    assert_eq!(closed.code, 3, "{closed:?}");
    assert!(
        closed
            .out
            .contains(&format!("its key file `{KEY}` cannot be read")),
        "{closed:?}"
    );
    assert!(machine.fake.world().entra.issued().is_empty());
    let Some(checked) = with(&format!("echo of-this-machine > {KEY}")) else {
        return;
    };
    assert_eq!(checked.code, 0, "{checked:?}");
    assert_eq!(issued(&machine), 1);
    assert!(!checked.out.contains("of-this-machine"), "{checked:?}");
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    // The first one is in the second half of its life when the run is created, however fast this
    // machine is, and the server would still take it.
    machine.fake.world().entra.told_lifetime_s = Some(4);
    machine.fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Only(1),
        FaultAction::DelayAfter(2500),
    ));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(issued(&machine) >= 2);
    let requests = machine.fake.requests();
    assert!(
        requests.iter().all(|request| request.status != 401),
        "none was refused first: {requests:#?}"
    );
}

#[test]
fn a_token_that_is_still_good_is_used_while_the_authority_hangs() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    // It is in the second half of its life when the run is created, and has a while to go.
    machine.fake.world().entra.told_lifetime_s = Some(22);
    machine.fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Only(1),
        FaultAction::DelayAfter(11_500),
    ));
    machine.fake.fault(Fault::new(
        "POST",
        "oauth2",
        Nth::From(2),
        FaultAction::Hang,
    ));

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(issued(&machine), 1);
    assert_eq!(machine.ado_run().state.as_str(), "Completed");
    let asked = machine
        .fake
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("token"))
        .count();
    assert_eq!(asked, 2, "one is asked for, and nobody asks beside it");
}

/// The pause that a run gets when whoever issues tokens asks for one of decades.
fn pause_after_a_long_one(identity: impl Fn(&Machine) -> String) -> jiff::SignedDuration {
    let machine = machine(
        world()
            .application(TENANT, CLIENT, SECRET)
            .managed_identity("first"),
        identity,
    );
    let headers = [
        ("content-type", "application/json"),
        ("retry-after", "999999999"),
    ];
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    let busy = FaultAction::Status {
        code: 503,
        headers,
        body: b"{\"error\":\"temporarily_unavailable\"}".to_vec(),
    };
    machine
        .fake
        .fault(Fault::new("*", "oauth2", Nth::Every, busy));

    let waits = submit(&machine);

    assert_eq!(waits.code, 4, "{waits:?}");
    let next: jiff::Timestamp = machine.row()["next_attempt"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    next.duration_since(jiff::Timestamp::now())
}

#[test]
fn a_pause_that_whoever_issues_tokens_asks_for_has_an_end() {
    let managed = |_: &Machine| "[azure.identity]\nkind = \"managed-identity\"\n".to_owned();

    for pause in [
        pause_after_a_long_one(with_secret),
        pause_after_a_long_one(managed),
    ] {
        assert!(pause <= jiff::SignedDuration::from_hours(1), "{pause}");
        assert!(pause > jiff::SignedDuration::from_mins(30), "{pause}");
    }
}

#[test]
fn a_refused_token_is_renewed_once_and_the_request_is_sent_again() {
    for action in [Refusal::Json401, Refusal::SignInPage203] {
        let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
        machine.fake.fault(Fault::new(
            "PATCH",
            "results",
            Nth::Only(1),
            FaultAction::Refused(action),
        ));

        let submitted = submit(&machine);

        assert_eq!(submitted.code, 0, "{submitted:?}");
        assert_eq!(issued(&machine), 2);
        assert_eq!(machine.ado_runs().len(), 1);
    }
}

#[test]
fn a_refused_upload_is_sent_again_with_another_token() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    machine.fake.fault(Fault::new(
        "POST",
        "attachments",
        Nth::Only(1),
        FaultAction::Refused(Refusal::Empty401),
    ));

    let first = submit(&machine);
    let again = machine.kado(&["run", "--once"]);

    assert_eq!(first.code, 0, "{first:?} {again:?}");
    assert_eq!(again.code, 0, "{first:?} {again:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    let mut names = crate::support::names(&run.attachments);
    names.dedup();
    assert_eq!(
        names.len(),
        run.attachments.len(),
        "nothing twice: {names:?}"
    );
}

#[test]
fn tokens_that_stay_refused_are_refused_credentials_and_asked_for_twice_only() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    machine.fake.fault(Fault::new(
        "*",
        "_apis",
        Nth::Every,
        FaultAction::Refused(Refusal::Json401),
    ));

    let refused = submit(&machine);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused
            .out
            .contains("identities of Entra are for Azure DevOps Services"),
        "{refused:?}"
    );
    assert_eq!(machine.fake.world().entra.issued().len(), 2);
    // A metadata service hands out the same token as long as it is good: there is no other to try.
    machine.fake.world().entra.hands_out_again = true;
    let before = machine.fake.world().entra.issued().len();
    assert_eq!(machine.kado(&["check"]).code, 3);
    assert_eq!(machine.fake.world().entra.issued().len(), before);
}

#[test]
fn a_wrong_secret_is_refused_credentials_and_a_new_one_is_read_without_a_restart() {
    let machine = machine(world().application(TENANT, CLIENT, "another"), with_secret);

    let service = machine.start();
    finished([Test::passed(&tc("Login"))])
        .start(crate::support::now())
        .write_in(&machine.work().join("Shop"))
        .unwrap();
    machine.wait_for_rows("the refused secret", |rows| {
        rows.iter().any(|row| row.contains("AADSTS7000215"))
    });

    closed_file(&machine.root().join("secret"), "another");
    assert_eq!(machine.kado(&["runs", "retry", "--failed"]).code, 0);

    machine.wait_for_completed(1);

    assert!(!service.log().contains(SECRET));

    service.stop_cleanly();
}

#[test]
fn a_secret_that_has_ended_is_told_with_what_mends_it_wherever_people_look() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    machine.fake.world().entra.end_secret(CLIENT);

    let submitted = submit(&machine);
    let status = machine.kado(&["status"]);
    let checked = machine.kado(&["check"]);

    assert_eq!(submitted.code, 3, "{submitted:?}");
    assert_eq!(status.code, 1, "{status:?}");
    for said in [&submitted.out, &status.out, &checked.out] {
        assert!(said.contains("AADSTS7000222"), "{said}");
        assert!(
            said.contains(
                "are expired; make a new client secret for the application in Entra, put it into"
            ),
            "{said}"
        );
    }
}

#[test]
fn an_identity_that_is_refused_is_told_nothing_of_scopes() {
    let machine = machine(world().application(TENANT, CLIENT, "another"), with_secret);

    let checked = machine.kado(&["check"]);
    let listed = machine.kado(&["list", "plans"]);

    assert_eq!((checked.code, listed.code), (3, 3));
    for told in [&checked.out, &listed.err] {
        assert!(told.contains("AADSTS7000215"), "{told}");
        assert!(!told.contains("scope"), "{told}");
    }
}

#[test]
fn refused_by_the_authority_is_exit_3_and_an_authority_that_is_away_exit_4() {
    let wrong = machine(world().application(TENANT, CLIENT, "another"), with_secret);

    let refused = submit(&wrong);

    assert_eq!(refused.code, 3, "{refused:?}");
    insta::assert_snapshot!(
        wrong.readable(&refused.out).replace(&wrong.fake.authority_url(), "[authority]"),
        @r"
        Test Suites/Smoke (test plan 18): waits: [authority] refused the credentials: AADSTS7000215: Invalid client secret provided; see `azure.identity` in kado.toml, and whether its secret or certificate has ended
            no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
        "
    );
    assert!(!refused.out.contains(SECRET) && !refused.err.contains(SECRET));

    let away = machine(world(), with_secret);
    let config = fs::read_to_string(away.config_file()).unwrap();
    fs::write(
        away.config_file(),
        config.replace(
            &format!("authority_url = {:?}", away.fake.authority_url()),
            "authority_url = \"http://127.0.0.1:9\"",
        ),
    )
    .unwrap();

    let unreachable = submit(&away);

    assert_eq!(unreachable.code, 4, "{unreachable:?}");
    assert!(
        unreachable
            .out
            .contains("http://127.0.0.1:9 cannot be reached for a token"),
        "{unreachable:?}"
    );
    assert!(away.fake.requests().is_empty());
}

#[test]
fn an_identity_goes_to_its_own_server_only() {
    let theirs = Machine::new();
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    let elsewhere = AzureSettings {
        server_url: theirs.fake.base_url(),
        token: None,
        ..machine.settings()
    };
    let path = machine.work().join("Other");
    let shop = machine.project(
        "Other",
        elsewhere,
        [fake_katalon::TestCaseFile::new(&tc("Login")).azure("1001")],
    );
    let config = fs::read_to_string(machine.config_file()).unwrap();
    let table = format!(
        "[[project]]\npath = {path:?}\nazure.server_url = {:?}\n",
        theirs.fake.base_url()
    );
    fs::write(machine.config_file(), format!("{config}{table}")).unwrap();

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Login"))]));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(submitted.out.contains("no token for "), "{submitted:?}");
    assert!(theirs.fake.requests().is_empty() && machine.fake.requests().is_empty());
}

#[test]
fn conditional_access_refuses_whoever_suppresses_the_sign_in_page() {
    let strict = || {
        world()
            .application(TENANT, CLIENT, SECRET)
            .with(|settings| settings.conditional_access = true)
    };

    assert_eq!(submit(&machine(strict(), with_secret)).code, 0);

    let suppressed = machine(strict(), |machine| {
        format!("suppress_sign_in = true\n{}", with_secret(machine))
    });

    let refused = submit(&suppressed);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused
            .out
            .contains("identities of Entra are for Azure DevOps Services"),
        "{refused:?}"
    );
}

/// What is said of a service principal that proves itself with this file.
fn told_of(machine: &Machine, key: &str, file: &Path) -> String {
    let server = format!(
        "server_url = {:?}\nauthority_url = {:?}\n",
        machine.fake.base_url(),
        machine.fake.authority_url()
    );
    machine.configure(&format!(
        "[azure]\n{server}[azure.identity]\nkind = \"service-principal\"\ntenant_id = {TENANT:?}\nclient_id = {CLIENT:?}\n{key} = {file:?}\n"
    ));

    let refused = submit(machine);

    assert!(refused.code == 1 || refused.code == 2, "{refused:?}");
    machine.readable(&refused.out)
}

#[test]
fn a_proof_that_is_none_is_refused_with_the_way_out() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    let close = |name: &str, content: &[u8]| {
        let file = closed_file(&machine.root().join(name), "");
        fs::write(&file, content).unwrap();
        file
    };
    let folder = machine.root().join("folder");
    fs::create_dir(&folder).unwrap();
    let told = [
        // The first bytes of a PKCS #12 file.
        told_of(
            &machine,
            "certificate_file",
            &close("kado.pfx", b"0\x82\x09\xd0\x02\x01\x03\x30\x82\xff\xfe"),
        ),
        told_of(
            &machine,
            "certificate_file",
            &close("text.pem", b"no certificate\n"),
        ),
        told_of(&machine, "certificate_file", &close("empty.pem", b"")),
        told_of(
            &machine,
            "certificate_file",
            &machine.root().join("none.pem"),
        ),
        told_of(&machine, "client_secret_file", &close("two", b"one\ntwo\n")),
        told_of(
            &machine,
            "client_secret_file",
            &close("utf16", b"\xff\xfes\x003\x00"),
        ),
        told_of(&machine, "client_secret_file", &close("empty", b"\n")),
        told_of(&machine, "client_secret_file", &folder),
    ];

    insta::assert_snapshot!(told.concat(), @r"
    Test Suites/Smoke (test plan 18): waits: `certificate_file` `[temp]/kado.pfx` is not a PEM file; from a .pfx file `openssl pkcs12 -in kado.pfx -nodes -out kado.pem` makes one, with certificate and key
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `certificate_file` `[temp]/text.pem` holds no certificate as PEM
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `certificate_file` `[temp]/empty.pem` is empty
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `certificate_file` `[temp]/none.pem` does not exist
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `client_secret_file` `[temp]/two` holds something other than a client secret, which is one line in a file that is saved as UTF-8 or ASCII (not UTF-16)
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `client_secret_file` `[temp]/utf16` holds something other than a client secret, which is one line in a file that is saved as UTF-8 or ASCII (not UTF-16)
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `client_secret_file` `[temp]/empty` is empty
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    Test Suites/Smoke (test plan 18): waits: `client_secret_file` `[temp]/folder` cannot be read: is a directory
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
    assert!(machine.fake.requests().is_empty());
}

#[test]
fn what_editors_add_to_a_proof_does_not_matter() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    closed_file(
        &machine.root().join("secret"),
        &format!("\u{feff}{SECRET}\r\n"),
    );

    let submitted = submit(&machine);

    assert_eq!(submitted.code, 0, "{submitted:?}");
}

#[test]
fn a_managed_identity_that_is_refused_is_not_asked_for_a_secret() {
    let machine = machine(world(), |_| {
        "[azure.identity]\nkind = \"managed-identity\"\n".to_owned()
    });

    let refused = submit(&machine);

    assert_eq!(refused.code, 3, "{refused:?}");
    insta::assert_snapshot!(machine.readable(&refused.out).replace(&machine.fake.authority_url(), "[machine]"), @r"
    Test Suites/Smoke (test plan 18): waits: the metadata service at [machine] refused the credentials: Identity not found; is an identity assigned to this machine, and is it the one of `client_id` in `azure.identity`, if one is set there?
        no service runs, so nothing is tried again by itself: `kado runs retry 1` tries it
    ");
}

#[cfg(unix)]
#[test]
fn a_proof_that_cannot_be_looked_for_is_not_said_to_be_missing() {
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    // For root, too, the system does not say whether there is something.
    let told = told_of(
        &machine,
        "client_secret_file",
        &machine.root().join("secret/below"),
    );

    assert!(
        told.contains("cannot be read") && !told.contains("does not exist"),
        "{told}"
    );
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = machine(world().application(TENANT, CLIENT, SECRET), with_secret);
    fs::set_permissions(
        machine.root().join("secret"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();

    let refused = submit(&machine);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.out.contains("`client_secret_file`") && refused.out.contains("chmod 600"),
        "{refused:?}"
    );
    assert!(machine.fake.requests().is_empty());
}

#[test]
fn what_an_identity_lacks_is_told_with_its_line() {
    let machine = Machine::new();

    let told = |text: &str| {
        machine.configure(&format!(
            "[azure]\nserver_url = \"https://dev.azure.com/acme\"\n{text}"
        ));
        machine
            .kado(&["runs"])
            .err
            .lines()
            .skip(1)
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("\n")
    };

    let texts = [
        "[azure.identity]\n",
        "[azure.identity]\nkind = \"robot\"\n",
        "[azure.identity]\nkind = \"service-principal\"\ntenant_id = \"a b\"\n",
        "[azure.identity]\nkind = \"managed-identity\"\nclient_secret_file = \"/s\"\n",
        "token_file = \"/t\"\n[azure.identity]\nkind = \"managed-identity\"\n",
        "authority_url = \"http://login.example.com\"\n",
        "identity = 1\n",
    ];
    insta::assert_snapshot!(texts.map(told).join("\n"), @r#"
    line 5: `azure.identity` needs `kind`: "service-principal", "managed-identity" or "federated"
    line 6: `azure.identity.kind` is `robot`; it takes "service-principal", "managed-identity" or "federated"
    line 5: `azure.identity` of a service principal needs `tenant_id`, `client_id` and one of `client_secret_file` and `certificate_file`
    line 7: `azure.identity.tenant_id` is `a b`; it must be a GUID or a domain
    line 5: `azure.identity` of a managed identity takes `client_id` and nothing else
    line 3: `azure` has both `token_file` and `identity`; keep one
    line 5: `azure.authority_url` must be an https URL such as "https://login.microsoftonline.us", without user and password
    line 5: `azure.identity` is `1`; it must be a table
    "#);
}
