//! Documents that are made from a recipe: records of a log, lines of properties, elements, items.
//! Each is nearly right, so that a reader gets far into it, and may be as long as some megabytes.

use arbitrary::Unstructured;

/// Bytes of a document; a unit test has less time than a fuzzer.
const LONGEST: usize = if cfg!(fuzzing) { 2 << 20 } else { 64 << 10 };

/// What a document is made of.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Log,
    Lines,
    Properties,
    Json,
    Xml,
    TestCase,
    Ids,
    Toml,
    Url,
    Text,
}

impl Form {
    /// The pieces that such documents have.
    const fn pieces(self) -> &'static [&'static str] {
        match self {
            Self::Log => LOG,
            Self::Lines => LINES,
            Self::Properties => PROPERTIES,
            Self::Json => JSON,
            Self::Xml => XML,
            Self::TestCase => TEST_CASE,
            Self::Ids => IDS,
            Self::Toml => TOML,
            Self::Url => URL,
            Self::Text => TEXT,
        }
    }
}

/// The document that a recipe makes: pieces of the form, bytes of its own, and repetitions of what
/// stands there.
pub(super) fn document(form: Form, recipe: &[u8]) -> Vec<u8> {
    let mut recipe = Unstructured::new(recipe);
    let mut document = Vec::new();
    while !recipe.is_empty() && document.len() < LONGEST {
        // At the end of the recipe everything is its default.
        if add(form, &mut recipe, &mut document).is_err() {
            break;
        }
    }
    document.truncate(LONGEST);
    document
}

fn add(form: Form, recipe: &mut Unstructured<'_>, document: &mut Vec<u8>) -> arbitrary::Result<()> {
    match recipe.int_in_range(0..=15_u8)? {
        0..=9 => {
            let piece = recipe.choose(form.pieces())?;
            document.extend_from_slice(piece.as_bytes());
        }
        10 | 11 => {
            let length = recipe.int_in_range(0..=24_usize)?.min(recipe.len());
            document.extend_from_slice(recipe.bytes(length)?);
        }

        12 => document.extend_from_slice(recipe.arbitrary::<u32>()?.to_string().as_bytes()),
        13 => repeat(recipe.int_in_range(1..=4096_usize)?, document),
        14 => number(form, recipe.int_in_range(1..=4096_usize)?, document, recipe)?,
        _ => {
            let length = recipe.int_in_range(0..=document.len())?;
            document.truncate(length);
        }
    }
    Ok(())
}

/// Repeats the end of the document so often.
fn repeat(times: usize, document: &mut Vec<u8>) {
    let from = document.len().saturating_sub(256);
    let end = document[from..].to_vec();
    for _ in 0..times {
        if document.len() >= LONGEST {
            return;
        }
        document.extend_from_slice(&end);
    }
}

/// Adds a piece so often, each time with another number in it.
fn number(
    form: Form,
    times: usize,
    document: &mut Vec<u8>,
    recipe: &mut Unstructured<'_>,
) -> arbitrary::Result<()> {
    let piece = recipe.choose(form.pieces())?;
    for number in 0..times {
        if document.len() >= LONGEST {
            break;
        }
        let with_number = piece.replace('1', &number.to_string());
        document.extend_from_slice(with_number.as_bytes());
    }
    Ok(())
}

const LOG: &[&str] = &[
    "<?xml version=\"1.0\"?><!DOCTYPE log SYSTEM \"logger.dtd\"><log>\n",
    "<record><millis>1700000000001</millis>",
    "<level>START</level><method>startSuite</method>",
    "<level>START</level><method>startTest</method>",
    "<level>START</level><method>startKeyword</method>",
    "<level>END</level><method>endTest</method>",
    "<level>END</level><method>endKeyword</method>",
    "<level>END</level><method>endSuite</method>",
    "<level>FAILED</level><method>logMessage</method>",
    "<level>PASSED</level><method>logMessage</method>",
    "<level>RUN_DATA</level><method>logMessage</method>",
    "<message>End Test Case : Test Cases/A1</message>",
    "<message>Test Cases/A1 FAILED.\nReason:\nx\n\tat a.b(C:1)</message>",
    "<message>\u{90}\u{90}\\u001b[31m https://u:p@h/ &amp;amp;</message>",
    "<nestedLevel>1</nestedLevel><escapedJava>false</escapedJava>",
    "<property name=\"id\">Test Cases/A1</property>",
    "<property name=\"uuid\">u1</property><property name=\"iteration\">1</property>",
    "<property name=\"currentRetryCount\">1</property>",
    "<property name=\"attachment\">1.png</property>",
    "<property name=\"attachment\">C:\\shop\\Reports\\20240101_100000\\1.png</property>",
    "<property name=\"executionBindingVariables\">[{\"name\":\"v1\",\"value\":\"1\"}]</property>",
    "<property name=\"failed.exception.message\">m1</property>",
    "<property name=\"hostName\">u - h1</property>",
    "<exception><message>e</message></exception>",
    "</record>\n",
    "</log>",
    "\n<<<<<<< HEAD\n",
    "\0",
];

const LINES: &[&str] = &[
    "{\"testCaseId\":\"Test Cases/A1\",\"bindedValues\":{\"v1\":\"'1'\"}}\n",
    "{\"testCaseName\":\"Test Cases/A1\",\"testCaseExecutionId\":\"1\",\"iterationVariableName\":\"v1\"}\n",
    "{\"bindedValues\":{\"v\":[[[[1]]],{\"a\":null}]}}\n",
    "{\"testCaseId\":\"\\ud83d\"}\n",
    "{1\n",
    "\r\n",
    "-projectPath=/shop1\n-adoPlanId=1\n",
    "--info\n-adoDefinitionID\n1\n",
    "sh -c \"katalonc -adoPlanId=1\"\n",
    "120\n",
    "Fri, 31 Dec 9999 23:59:59 GMT\n",
    "1e400\n",
    "https://dev.azure.com/1\n",
    "-1\n",
];

const PROPERTIES: &[&str] = &[
    "enableIntegration=true\n",
    "serverUrl=\"https\\://u\\:p@dev.azure.com/shop1\"\n",
    "submitOptions.testPlans=\"[{\\\"id\\\"\\:1,\\\"name\\\"\\:\\\"P\\\"}]\"\n",
    "submitOptions.testPlans=\"[1,1,1,1,2,3,4,5,6,7,8,9,0,-1,0.5,{}]\"\n",
    "executionStatusMappings=\"[{\\\"katalonStatus\\\"\\:\\\"X1\\\",\\\"azureStatus\\\"\\:\\\"Failed\\\"}]\"\n",
    "testConfigurationMappings=\"[{\\\"os\\\"\\:\\\"Windows\\\",\\\"azureTestConfigurationId\\\"\\:1}]\"\n",
    "submitOptions.attachFileTypes=\"[\\\"PNG\\\",\\\"X1\\\"]\"\n",
    "integratedProject=\"{\\\"name\\\"\\:\\\"Shop\\\"}\"\n",
    "token=\"c2VjcmV0dG9rZW4=\"\n",
    "adoPlanId=1\n",
    "adoTestRunName=\"Nightly 1\"\n",
    "key1=1\n",
    "key\\\n   1 : \\u0041\\t\\\n",
    "# 1\n",
    "=\n",
    "\r",
    "\"",
    "\\",
];

const JSON: &[&str] = &[
    "{\"id\":\"Test Suites/A1\",",
    "\"host\":{\"hostName\":\"u - h1\",\"os\":\"Windows\"},",
    "\"execution\":{\"general\":{\"report\":{\"reportFolder\":\"C:\\\\shop\"}},\"drivers\":{\"system\":{}}},",
    "\"adoPlanId\":\"1\",",
    "\"runningMode\":\"CONSOLE\"}",
    "{\"value\":[",
    "{\"id\":1,\"name\":\"A1\",\"testCaseReference\":{\"id\":1},\"configuration\":{\"id\":1,\"name\":\"C\"}},",
    "{\"id\":1,\"testPoint\":{\"id\":\"1\"},\"outcome\":\"Passed\"},",
    "{},",
    "null,",
    "[",
    "]",
    "{",
    "}",
    "\"k1\":",
    "\"\\ud83d\\n\\x\"",
    "1",
    "-1.5e3",
    "true",
    ",",
    ":",
    " \n",
    "{\"message\":\"TF400813: 1\",\"typeKey\":\"X\"}",
    "<html><title>1</title>",
];

const XML: &[&str] = &[
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
    "<TestSuiteCollectionEntity>",
    "<reportLocation>Reports/20240101_100000/A1/20240101_100001</reportLocation>",
    "<testSuiteCollectionId>Test Suites/C1</testSuiteCollectionId>",
    "<TestSuiteEntity><numberOfRerun>1</numberOfRerun>",
    "<Project><name>Shop1</name>",
    "<testsuites><testsuite id=\"Test Suites/A\" timestamp=\"2024-01-01 10:00:01\" time=\"1.5\">",
    "<testcase name=\"Test Cases/A1\" status=\"PASSED\" time=\"1\"/>",
    "<testcase name=\"Test Cases/A1\"><failure message=\"m&#10;at a(b)\"/></testcase>",
    "</testsuite></testsuites>",
    "</TestSuiteCollectionEntity>",
    "</TestSuiteEntity>",
    "</Project>",
    "<a1 b1=\"1\" c='&amp;&x;'>",
    "</a1>",
    "<b/>",
    "<![CDATA[1]]>",
    "<!-- 1 -->",
    "<!DOCTYPE a [<!ENTITY x \"y\">]>",
    "&lt;&#65;&bad;",
    "<",
];

const TEST_CASE: &[&str] = &[
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestCaseEntity>\n",
    "<description>ado: 1 [1]</description>\n",
    "<name>A1</name><tag>@TC1</tag>\n",
    "<integratedEntity><productName>Azure</productName><properties>",
    "<entry><key>azure.testcase.ids</key><value>1,${v1},x</value></entry>",
    "</properties></integratedEntity>\n",
    "<integratedEntity><productName>qTest</productName></integratedEntity>",
    "<variable><defaultValue>'1'</defaultValue><name>v1</name></variable>\n",
    "</TestCaseEntity>",
    "& ",
    "<<<<<<< HEAD\n",
    "=======\n",
    ">>>>>>> theirs\n",
    "<!DOCTYPE x>",
    "\0",
];

const IDS: &[&str] = &[
    "1",
    ",",
    "${1}",
    "${'1,2,3'}",
    "${",
    "}",
    "0",
    " ",
    "12345678901",
    "x1",
    "\u{2011}",
    "1.0",
    "'1'",
];

const TOML: &[&str] = &[
    "watch = [\"/srv/1\"]\n",
    "state_dir = \"/var/1\"\n",
    "[azure]\nserver_url = \"https://dev.azure.com/shop1\"\n",
    "project = \"Shop\"\ntoken_file = \"t\"\n",
    "proxy = \"http://u:p@h:1\"\nno_proxy = [\"h1\", \"10.0.0.0/8\"]\n",
    "[azure.identity]\nkind = \"service-principal\"\ntenant_id = \"1\"\n",
    "[submit]\ntest_plans = [1, \"P1\", { iteration = \"@current\" }]\n",
    "test_run_name = \"{suite} {1}\"\n",
    "ids_pattern = 'TC-([0-9]+)'\nids_from = [\"tag\"]\n",
    "[[project]]\npath = \"/srv/1\"\n",
    "[project.submit]\nunmapped = \"fail\"\n",
    "key1 = 1\n",
    "a.b1.c = [1, [2]]\n",
    "late = \"x1\"\nhistory = 2024-01-01T00:00:00Z\n",
    "abort_after = \"2h\"\nspool_limit = \"1 GiB\"\n",
    "x = {a = {b = {c = 1}}}\n",
    "[",
    "]",
    "\"\"\"",
    "'1",
    "\\",
    "# 1\n",
];

const URL: &[&str] = &[
    "https://",
    "http://",
    "HTTPS:",
    "//",
    "dev.azure.com",
    "shop.visualstudio.com",
    "127.1",
    "[::1]",
    "u:p@",
    "/shop1",
    "/tfs/DefaultCollection",
    ":443",
    ":8080",
    "?a=1",
    "#f",
    "%2e%2e",
    "..",
    "\\",
    "\t",
    ".",
    "\u{e4}",
    "xn--",
    "/_git/1",
    " ",
];

const TEXT: &[&str] = &[
    "\u{1b}[31m",
    "\u{1b}]8;;x\u{7}",
    "\u{90}",
    "\u{9b}1m",
    "\u{9c}",
    "https://u:p@h/1?k=1",
    "://",
    r":\/\/",
    "@",
    "a:b/",
    " ",
    "\n",
    "&amp;",
    "&#x41;",
    "&",
    "\\u0041",
    "\\ud83d\\ude00",
    "\\",
    "\u{202e}",
    "\u{1f600}",
    "Reason:",
    "<",
    "1",
];
