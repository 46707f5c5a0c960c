//! A Katalon project on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::azure::AzureSettings;
use crate::properties::plain_file;
use crate::seed;
use crate::suite::{SuiteFile, collection_xml};
use crate::test_case::TestCaseFile;
use crate::text::xml;

/// Where the integration's settings lie below the project.
const AZURE_SETTINGS: &str = "settings/external/com.kms.katalon.integration.azure.properties";

/// The keys that Katalon generates into `console.properties`, all empty.
const CONSOLE_KEYS: [&str; 10] = [
    "kobitonDeviceId",
    "remoteWebDriverType",
    "adoPlanID",
    "deviceId",
    "testOpsProjectId",
    "testOpsBuildId",
    "adoTestRunName",
    "adoPlanId",
    "testOpsReleaseId",
    "remoteWebDriverUrl",
];

/// Describes a Katalon project and writes it.
#[derive(Clone, Debug)]
pub struct ProjectWriter {
    root: PathBuf,
    name: String,
    azure: Option<AzureSettings>,
    test_cases: Vec<TestCaseFile>,
    suites: Vec<SuiteFile>,
    collections: Vec<(String, Vec<String>)>,
    console: Vec<(String, String)>,
}

impl ProjectWriter {
    /// A project in `root`, named after that folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let name = root.file_name().map_or_else(
            || "Project".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        Self {
            root,
            name,
            azure: None,
            test_cases: Vec::new(),
            suites: Vec::new(),
            collections: Vec::new(),
            console: CONSOLE_KEYS
                .map(|key| (key.to_owned(), String::new()))
                .to_vec(),
        }
    }

    /// Names the project.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Sets the Azure DevOps settings; without them the file is empty, as in a project that never
    /// opened that page.
    #[must_use]
    pub fn azure(mut self, settings: AzureSettings) -> Self {
        self.azure = Some(settings);
        self
    }

    /// Adds a test case.
    #[must_use]
    pub fn test_case(mut self, case: TestCaseFile) -> Self {
        self.test_cases.push(case);
        self
    }

    /// Adds a test suite.
    #[must_use]
    pub fn suite(mut self, suite: SuiteFile) -> Self {
        self.suites.push(suite);
        self
    }

    /// Adds a suite collection with its members' ids.
    #[must_use]
    pub fn collection(mut self, id: &str, members: &[&str]) -> Self {
        self.collections.push((
            id.to_owned(),
            members.iter().map(|member| (*member).to_owned()).collect(),
        ));
        self
    }

    /// Sets a key of `console.properties`.
    #[must_use]
    pub fn console_property(mut self, key: &str, value: &str) -> Self {
        match self.console.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.console.push((key.to_owned(), value.to_owned())),
        }
        self
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes every file; what is there already is replaced.
    pub fn write(&self) -> io::Result<()> {
        for folder in [
            "Test Cases",
            "Test Suites",
            "Scripts",
            "Profiles",
            "Object Repository",
            "Reports",
        ] {
            fs::create_dir_all(self.root.join(folder))?;
        }

        self.put(&format!("{}.prj", self.name), &self.prj())?;
        self.put("Profiles/default.glbl", DEFAULT_PROFILE)?;
        self.put("console.properties", &plain_file(&self.console))?;
        self.write_azure(self.azure.as_ref())?;
        for case in &self.test_cases {
            self.put(&format!("{}.tc", case.id), &case.to_xml())?;
        }

        for suite in &self.suites {
            self.put(&format!("{}.ts", suite.id), &suite.to_xml())?;
        }

        for (id, members) in &self.collections {
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            self.put(&format!("{id}.ts"), &collection_xml(id, &members))?;
        }

        Ok(())
    }

    /// Writes only the settings for Azure DevOps; `None` writes an empty file.
    pub fn write_azure(&self, settings: Option<&AzureSettings>) -> io::Result<()> {
        let text = settings
            .map(AzureSettings::to_properties)
            .unwrap_or_default();
        self.put(AZURE_SETTINGS, &text)
    }

    /// The path of the settings for Azure DevOps.
    pub fn azure_path(&self) -> PathBuf {
        self.root.join(AZURE_SETTINGS)
    }

    fn put(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }

        fs::write(path, text)
    }

    fn prj(&self) -> String {
        let location = self.root.join(format!("{}.prj", self.name));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Project>\n   <description></description>\n   <name>{}</name>\n   <tag></tag>\n   <UUID>{}</UUID>\n   <migratedVersion>5.9.0</migratedVersion>\n   <pageLoadTimeout>0</pageLoadTimeout>\n   <projectFileLocation>{}</projectFileLocation>\n{PRJ_TAIL}",
            xml(&self.name),
            seed::guid(&self.name),
            xml(&location.to_string_lossy()),
        )
    }
}

const PRJ_TAIL: &str = "   <sourceContent>
      <sourceFolderList>
         <sourceFolderConfiguration>
            <url>Include/scripts/groovy</url>
         </sourceFolderConfiguration>
      </sourceFolderList>
      <systemFolderList>
         <systemFolderConfiguration>
            <url>Include/scripts/groovy</url>
         </systemFolderConfiguration>
         <systemFolderConfiguration>
            <url>Include/features</url>
         </systemFolderConfiguration>
         <systemFolderConfiguration>
            <url>Include/config</url>
         </systemFolderConfiguration>
      </systemFolderList>
   </sourceContent>
   <timeStampInProperties>false</timeStampInProperties>
   <type>WEBUI</type>
</Project>
";

const DEFAULT_PROFILE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<GlobalVariableEntities>
   <description></description>
   <name>default</name>
   <tag></tag>
   <defaultProfile>true</defaultProfile>
</GlobalVariableEntities>
";
