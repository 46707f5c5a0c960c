//! Test suite files (`.ts`) and suite collections.

use crate::seed;
use crate::text::xml;

/// A test suite of the project.
#[derive(Clone, Debug, Default)]
pub struct SuiteFile {
    /// The whole id, `Test Suites/…`.
    pub id: String,
    /// Its test cases, in order.
    pub links: Vec<SuiteLink>,
    /// How often a failed test is run again at once.
    pub retries: u32,
}

/// A test case of a suite.
#[derive(Clone, Debug)]
pub struct SuiteLink {
    /// Id of the test case.
    pub test_case: String,
    /// Whether it is ticked.
    pub run: bool,
}

impl SuiteFile {
    /// A suite of these test cases, all ticked.
    pub fn new(id: &str, test_cases: &[&str]) -> Self {
        let links = test_cases
            .iter()
            .map(|case| SuiteLink {
                test_case: (*case).to_owned(),
                run: true,
            })
            .collect();
        Self {
            id: id.to_owned(),
            links,
            retries: 0,
        }
    }

    /// The text of the file.
    pub fn to_xml(&self) -> String {
        let name = self.id.rsplit('/').next().unwrap_or(&self.id);
        let links: String = self
            .links
            .iter()
            .enumerate()
            .map(|(at, link)| self.link_xml(at, link))
            .collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestSuiteEntity>\n   <description></description>\n   <name>{}</name>\n   <tag></tag>\n   <isRerun>{}</isRerun>\n   <mailRecipient></mailRecipient>\n   <numberOfRerun>{}</numberOfRerun>\n   <pageLoadTimeout>30</pageLoadTimeout>\n   <pageLoadTimeoutDefault>true</pageLoadTimeoutDefault>\n   <rerunFailedTestCasesOnly>false</rerunFailedTestCasesOnly>\n   <rerunImmediately>{}</rerunImmediately>\n   <testSuiteGuid>{}</testSuiteGuid>\n{links}</TestSuiteEntity>\n",
            xml(name),
            self.retries > 0,
            self.retries,
            self.retries > 0,
            seed::guid(&self.id),
        )
    }

    fn link_xml(&self, at: usize, link: &SuiteLink) -> String {
        format!(
            "   <testCaseLink>\n      <guid>{}</guid>\n      <isReuseDriver>false</isReuseDriver>\n      <isRun>{}</isRun>\n      <testCaseId>{}</testCaseId>\n      <usingDataBindingAtTestSuiteLevel>true</usingDataBindingAtTestSuiteLevel>\n   </testCaseLink>\n",
            seed::guid(&format!("{}#{at}", self.id)),
            link.run,
            xml(&link.test_case)
        )
    }
}

/// The text of a suite collection (`.ts` as well), whose members run one after the other.
pub(crate) fn collection_xml(id: &str, members: &[&str]) -> String {
    let name = id.rsplit('/').next().unwrap_or(id);
    let members: String = members
        .iter()
        .map(|member| {
            format!(
                "      <TestSuiteRunConfiguration>\n         <configuration>\n            <groupName>Web Desktop</groupName>\n            <profileName>default</profileName>\n            <requireConfigurationData>false</requireConfigurationData>\n            <runConfigurationId>Chrome</runConfigurationId>\n         </configuration>\n         <runEnabled>true</runEnabled>\n         <testSuiteEntity>{}</testSuiteEntity>\n      </TestSuiteRunConfiguration>\n",
                xml(member)
            )
        })
        .collect();

    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestSuiteCollectionEntity>\n   <description></description>\n   <name>{}</name>\n   <tag></tag>\n   <delayBetweenInstances>0</delayBetweenInstances>\n   <executionMode>SEQUENTIAL</executionMode>\n   <maxConcurrentInstances>8</maxConcurrentInstances>\n   <testSuiteRunConfigurations>\n{members}   </testSuiteRunConfigurations>\n</TestSuiteCollectionEntity>\n",
        xml(name)
    )
}
