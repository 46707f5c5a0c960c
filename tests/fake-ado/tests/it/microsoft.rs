//! Microsoft's own Python client, unmodified, finds in the fake what it knows.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fake_ado::FakeAdo;

use crate::client::shop;

/// A virtual environment with the client, made once and kept beside the build output. It is made
/// under another name, so that it is whole or not there, also when several runs of the tests make
/// it at once.
fn environment() -> Result<PathBuf, String> {
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = beside.join("azure-devops-client-7.1.0b4");
    let python = |folder: &Path| {
        folder.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        })
    };

    if !folder.exists() {
        let unfinished = tempfile::tempdir_in(beside).map_err(|error| error.to_string())?;
        let new = unfinished.path().join("environment");
        run(Command::new("python3").args(["-m", "venv"]).arg(&new))?;
        let packages = ["azure-devops==7.1.0b4", "setuptools<81"];
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        run(Command::new(python(&new)).args(install).args(packages))?;
        // The other one is as good.
        if let Err(error) = std::fs::rename(&new, &folder)
            && !folder.exists()
        {
            return Err(error.to_string());
        }
    }

    Ok(python(&folder))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(told)
}

/// Its caches go to a home of their own: the port is another one each time.
async fn run_script(python: PathBuf, base: String) -> Output {
    let run = move || {
        let home = tempfile::tempdir()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/microsoft_client.py");
        let mut command = Command::new(python);
        command.arg(script).arg(base).env("NO_PROXY", "127.0.0.1");
        command
            .env("HOME", home.path())
            .env("USERPROFILE", home.path())
            .output()
    };
    tokio::task::spawn_blocking(run).await.unwrap().unwrap()
}

#[tokio::test]
async fn microsofts_python_client_submits_a_run_and_reads_it_back() {
    let python = match tokio::task::spawn_blocking(environment).await.unwrap() {
        Ok(python) => python,
        Err(reason) => {
            println!("skipped: Microsoft's client cannot be installed: {reason}");
            return;
        }
    };
    let fake = FakeAdo::start(shop().with(|settings| settings.page_size = 2))
        .await
        .unwrap();
    let output = run_script(python, fake.base_url()).await;
    let told = String::from_utf8_lossy(&output.stderr);

    assert!(output.status.success(), "{told}\n{:#?}", fake.requests());
    assert_eq!(fake.schema_violations(), Vec::<String>::new());
    let world = fake.world();
    let run = &world.runs()[0];
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.results.len(), 2);
    assert_eq!(run.attachments.len(), 1);
    assert_eq!(
        run.result_of_point(5).unwrap().attachments[0].bytes,
        b"a screenshot"
    );
}
