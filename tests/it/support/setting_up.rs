//! What tests of `kado setup` begin with.

#![expect(clippy::disallowed_methods, reason = "tests lay out files")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::World;
use fake_katalon::{AzureSettings, ProjectWriter, TestCaseFile};

use super::ended::{Output, finish_with};
use super::machine::Machine;
use super::shop::tc;

impl Machine {
    /// A machine of this world without a configuration, and with one Katalon project.
    pub(crate) fn fresh(world: World) -> Self {
        let machine = Self::with(world);
        machine.shop(&[("Sign in", "1001")]);
        fs::remove_file(machine.config_file()).expect("it was just written");
        machine
    }

    /// The same with a project that has no token of its own.
    pub(crate) fn fresh_without_token(world: World) -> Self {
        let machine = Self::fresh(world);
        let settings = AzureSettings {
            token: None,
            ..machine.settings()
        };
        machine.shop_with(settings, &[("Sign in", "1001")]);
        machine
    }

    /// `kado setup --unattended` for this machine's server and work folder, with these options and
    /// this on standard input.
    pub(crate) fn set_up(&self, options: &[&str], input: &str) -> Output {
        let work = self.work().display().to_string();
        let url = self.fake.base_url();
        let mut arguments = vec![
            "setup",
            "--unattended",
            "--watch",
            &work,
            "--server-url",
            &url,
        ];
        arguments.extend(options);
        finish_with(self.command(&arguments), input)
    }

    /// The same with a token.
    pub(crate) fn set_up_with_token(&self, options: &[&str], token: &str) -> Output {
        self.set_up(&[&["--token-stdin"], options].concat(), token)
    }

    /// `kado setup PROJECT --unattended` with these options.
    pub(crate) fn set_up_project(&self, project: &Path, options: &[&str]) -> Output {
        self.set_up_project_with(project, options, "")
    }

    /// The same for this machine's server, with a token.
    pub(crate) fn set_up_project_with_token(
        &self,
        project: &Path,
        options: &[&str],
        token: &str,
    ) -> Output {
        let url = self.fake.base_url();
        let options = [&["--server-url", &url, "--token-stdin"], options].concat();
        self.set_up_project_with(project, &options, token)
    }

    fn set_up_project_with(&self, project: &Path, options: &[&str], input: &str) -> Output {
        let folder = project.to_string_lossy();
        let arguments = [&["setup", &folder, "--unattended"], options].concat();
        finish_with(self.command(&arguments), input)
    }

    /// A project that knows nothing of Azure DevOps, with two test cases whose names are titles of
    /// the plan.
    pub(crate) fn bare_project(&self) -> PathBuf {
        let project = ProjectWriter::new(self.work().join("Shop"))
            .test_case(TestCaseFile::new(&tc("Case 1001")))
            .test_case(TestCaseFile::new(&tc("Case 1002")));
        project.write().expect("the project can be written");

        // The folder comes with the first integration.
        fs::remove_dir_all(project.root().join("settings/external")).expect("it was just written");
        project.root().to_owned()
    }
}

/// Katalon's file with the settings of the integration.
pub(crate) fn settings_file(project: &Path) -> PathBuf {
    project.join("settings/external/com.kms.katalon.integration.azure.properties")
}
