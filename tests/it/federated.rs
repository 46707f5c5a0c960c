//! Federated identities: a token of another issuer stands in for a secret.

use std::process::Command;

use fake_ado::World;
use fake_katalon::{AzureSettings, Test};

use crate::support::katalonc::arguments;
use crate::support::{Machine, Output, SUITE, closed_file, finish, finished, tc, world};

const TENANT: &str = "7f3c9a52-1111-2222-3333-444455556666";
const CLIENT: &str = "0d1e2f3a-aaaa-bbbb-cccc-ddddeeeeffff";
const CONNECTION: &str = "5b1c2d3e-0000-1111-2222-333344445555";
const FEDERATED: &str = "eyJ.of-another-issuer.x";
const JOB_TOKEN: &str = "job-token-0123456789";

fn trusting() -> World {
    world().federated_application(TENANT, CLIENT, FEDERATED)
}

/// A machine whose project has no token, with these keys of a federated identity.
fn machine(keys: &str) -> Machine {
    let machine = Machine::with(trusting());
    configure(&machine, &machine.fake.authority_url(), keys);
    let settings = AzureSettings {
        token: None,
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1001")]);
    machine
}

fn configure(machine: &Machine, authority: &str, keys: &str) {
    let authority = match authority {
        "" => String::new(),
        url => format!("authority_url = {url:?}\n"),
    };
    machine.configure(&format!(
        "[azure]\nserver_url = {:?}\n{authority}[azure.identity]\nkind = \"federated\"\n{keys}",
        machine.fake.base_url(),
    ));
}

fn both_ids() -> String {
    format!("tenant_id = {TENANT:?}\nclient_id = {CLIENT:?}\n")
}

/// `kado submit` of a new run.
fn submitting(machine: &Machine) -> Command {
    let run = finished([Test::passed(&tc("Sign in"))]);
    let folder = run.write_in(&machine.work().join("Shop")).unwrap();
    machine.command(&["submit", &folder.to_string_lossy()])
}

fn issued(machine: &Machine) -> usize {
    machine.fake.world().entra.issued().len()
}

/// Whether a text stands in anything that was printed.
fn is_shown(done: &Output, text: &str) -> bool {
    done.out.contains(text) || done.err.contains(text)
}

#[test]
fn what_workload_identity_sets_in_a_pod_is_all_that_is_needed() {
    let machine = machine("");
    let file = closed_file(&machine.root().join("token"), FEDERATED);
    let mut command = submitting(&machine);
    command
        .env("AZURE_TENANT_ID", TENANT)
        .env("AZURE_CLIENT_ID", CLIENT)
        .env("AZURE_FEDERATED_TOKEN_FILE", file);

    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(issued(&machine), 1);
    assert!(!is_shown(&done, FEDERATED), "{done:?}");
}

#[test]
fn a_token_that_its_issuer_replaced_is_read_anew() {
    let machine = machine(&format!("{}token_file = \"token\"\n", both_ids()));
    let file = closed_file(&machine.root().join("token"), FEDERATED);
    assert_eq!(finish(submitting(&machine)).code, 0);

    machine.fake.world().entra.set_federated(CLIENT, "another");
    let stale = machine.kado(&["check"]);
    closed_file(&file, "another\n");
    let fresh = machine.kado(&["check"]);

    assert_eq!(stale.code, 3, "{stale:?}");
    assert!(stale.out.contains("AADSTS700213"), "{stale:?}");
    assert!(
        stale.out.contains("issuer, subject and audience"),
        "{stale:?}"
    );
    assert_eq!(fresh.code, 0, "{fresh:?}");
    assert!(
        fresh
            .out
            .contains("the federated identity of `azure.identity`"),
        "{fresh:?}"
    );
}

#[cfg(unix)]
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test writes the files of another issuer"
)]
fn a_token_file_is_closed_to_others_but_where_kubernetes_keeps_it() {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let machine = machine(&format!("{}token_file = \"mount/token\"\n", both_ids()));
    // As the kubelet lays it out, for everybody in the container to read.
    let mount = machine.root().join("mount");
    let real = mount.join("..2026_11_30_20_06_13.1234");
    fs::create_dir_all(&real).unwrap();
    fs::write(real.join("token"), FEDERATED).unwrap();
    let everybody = fs::Permissions::from_mode(0o644);
    fs::set_permissions(real.join("token"), everybody).unwrap();
    symlink("..2026_11_30_20_06_13.1234", mount.join("..data")).unwrap();
    symlink("..data/token", mount.join("token")).unwrap();

    let elsewhere = machine.kado(&["check"]);
    let mut command = machine.command(&["check"]);
    command.env("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let in_pod = finish(command);

    assert_ne!(elsewhere.code, 0, "{elsewhere:?}");
    assert!(
        elsewhere.out.contains("federated token file") && elsewhere.out.contains("mode 644"),
        "{elsewhere:?}"
    );
    assert_eq!(in_pod.code, 0, "{in_pod:?}");
}

#[test]
fn what_is_nowhere_is_named_with_its_variable() {
    let machine = machine("");

    let done = finish(submitting(&machine));

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.out.contains("`tenant_id` of `azure.identity`")
            && done.out.contains("`$AZURE_TENANT_ID`"),
        "{done:?}"
    );
}

#[test]
fn an_authority_of_the_environment_that_only_looks_like_microsofts_gets_nothing() {
    let machine = machine("");
    let file = closed_file(&machine.root().join("token"), FEDERATED);
    configure(&machine, "", &both_ids());
    let mut command = submitting(&machine);
    command
        .env("AZURE_AUTHORITY_HOST", machine.fake.authority_url())
        .env("AZURE_FEDERATED_TOKEN_FILE", file);

    let done = finish(command);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("no authority of Microsoft's"), "{done:?}");
    assert_eq!(machine.fake.requests().len(), 0);
}

/// `kado exec` in a job that hands its token over; `oidc` is where it gets tokens.
fn in_job(machine: &Machine, oidc: &str) -> Output {
    let shop = machine.work().join("Shop");
    let mut command = machine.exec(&["--strict"], &arguments(&shop, SUITE, &[]));
    command
        .env("TF_BUILD", "True")
        .env("SYSTEM_TEAMPROJECT", "Elsewhere")
        .env("BUILD_BUILDID", "636")
        .env(
            "SYSTEM_COLLECTIONURI",
            format!("{}/", machine.fake.base_url()),
        )
        .env("SYSTEM_OIDCREQUESTURI", oidc)
        .env("SYSTEM_ACCESSTOKEN", JOB_TOKEN);
    finish(command)
}

fn machine_with_connection() -> Machine {
    let machine = machine(&format!(
        "{}service_connection_id = {CONNECTION:?}\n",
        both_ids()
    ));
    machine.fake.world().entra.service_connection =
        Some([CONNECTION, JOB_TOKEN, FEDERATED].map(str::to_owned));
    machine
}

#[test]
fn a_service_connection_of_azure_pipelines_sends_in_place_of_the_job() {
    let machine = machine_with_connection();
    let oidc = format!(
        "{}/1/_apis/distributedtask/hubs/build/plans/2/jobs/3/oidctoken",
        machine.fake.base_url()
    );

    let done = in_job(&machine, &oidc);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(issued(&machine), 1);
    let with_job_token = machine
        .fake
        .requests()
        .into_iter()
        .filter(|request| {
            let sent = request.authorization.as_deref().unwrap_or_default();
            sent.contains(JOB_TOKEN)
        })
        .map(|request| request.path)
        .collect::<Vec<_>>();
    assert_eq!(with_job_token.len(), 1, "{with_job_token:?}");
    assert!(with_job_token[0].ends_with("/oidctoken"));
    assert!(!is_shown(&done, FEDERATED) && !is_shown(&done, JOB_TOKEN));
}

#[test]
fn the_token_of_the_job_goes_to_no_other_server_for_a_service_connection() {
    let machine = machine_with_connection();

    let done = in_job(
        &machine,
        "https://dev.azure.com.evil.example/acme/oidctoken",
    );

    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err.contains("job's token is not sent there"),
        "{done:?}"
    );
    assert_eq!(machine.fake.requests().len(), 0);
}
