//! What reading costs against what is read: four times as much costs at most five times as many
//! bytes and blocks of memory. The shapes are the worst that one file can have for its reader:
//! everything different, everything the same, everything wrong, everything inside each other.
//!
//! What allocates nothing is not seen in here; such scans are kept out by maps, and where a join
//! has its largest input a scan takes longer than a test may.

#[cfg(test)]
use allocation_counter::{AllocationInfo, measure};

use crate::fuzzing::target;

/// A worst case of a reader, made of so many parts.
struct Shape {
    target: &'static str,
    what: &'static str,
    make: fn(usize) -> String,
}

const fn shape(target: &'static str, what: &'static str, make: fn(usize) -> String) -> Shape {
    Shape { target, what, make }
}

/// What stands around the parts of a document, and each of these with its number in place of `#`.
fn document(begin: &str, part: &str, end: &str, count: usize) -> String {
    let mut text = begin.to_owned();
    for number in 0..count {
        text.push_str(&part.replace('#', &number.to_string()));
    }
    text + end
}

const SUITE: &str =
    "<record><millis>1</millis><level>START</level><method>startSuite</method></record>";
const FAILED: &str = "<record><millis>1</millis><level>FAILED</level><message>m</message></record>";

/// A test of a log, with what stands in it.
fn test(properties: &str, inside: &str) -> String {
    format!(
        "<record><millis>1</millis><level>START</level><method>startTest</method>{properties}</record>\
         {inside}<record><millis>1</millis><level>END</level><method>endTest</method></record>"
    )
}

fn log(part: &str, count: usize) -> String {
    document(SUITE, part, "", count)
}

const ID: &str = "<property name=\"id\">Test Cases/#</property>";
const ONE: &str = "<property name=\"id\">T</property>";
const RETRY: &str =
    "<property name=\"id\">T</property><property name=\"currentRetryCount\">#</property>";

const SHAPES: &[Shape] = &[
    shape("log", "tests", |count| log(&test(ID, FAILED), count)),
    shape("log", "executions of one test", |count| {
        log(&test(ONE, FAILED), count)
    }),
    shape("log", "retries of one test", |count| {
        log(&test(RETRY, FAILED), count)
    }),
    shape("log", "attachments of one test", |count| {
        let attachment =
            "<record><level>INFO</level><property name=\"attachment\">#.png</property></record>";
        log(&test(ONE, &document("", attachment, "", count)), 1)
    }),
    shape("log", "files elsewhere", |count| {
        let attachment = "<record><level>INFO</level><property name=\"attachment\">C:\\a\\#\\b.png</property></record>";
        log(&test(ONE, &document("", attachment, "", count)), 1)
    }),
    shape("log", "records that are cut", |count| {
        log("<record><message>m", count)
    }),
    shape("log", "steps in one another", |count| {
        let step = "<record><level>START</level><method>startKeyword</method></record>";
        log(&test(ONE, &document("", step, "", count)), 1)
    }),
    shape("log", "terminal sequences in a message", |count| {
        let message = document(
            "<record><level>FAILED</level><message>",
            "\u{90}",
            "</message></record>",
            8 * count,
        );
        log(&test(ONE, &message), 1)
    }),
    shape("log", "URLs in a message", |count| {
        let message = document(
            "<record><level>FAILED</level><message>@",
            "://",
            "@</message></record>",
            8 * count,
        );
        log(&test(ONE, &message), 1)
    }),
    shape("binding", "lines", |count| {
        document(
            "",
            "{\"testCaseId\":\"T#\",\"bindedValues\":{\"v#\":\"'#'\"}}\n",
            "",
            count,
        )
    }),
    shape("binding", "lines that cannot be read", |count| {
        document("", "{#\n", "", count)
    }),
    shape("execution", "members", |count| {
        document("{", "\"k#\":\"v\",", "\"id\":\"x\"}", count)
    }),
    shape("execution", "items", |count| {
        document("{\"a\":[", "#,", "0]}", count)
    }),
    shape("execution", "escapes", |count| {
        document("{\"a\":\"", "\\ud83d\\x", "\"}", count)
    }),
    shape("console", "keys", |count| {
        document("", "ado#=1\n", "", count)
    }),
    shape("console", "one key", |count| {
        document("", "adoPlanId=#\n", "", count)
    }),
    shape("console", "lines that go on", |count| {
        document("a=", "x\\\n", "", count)
    }),
    shape("settings", "unknown keys", |count| {
        document("", "k#=1\n", "", count)
    }),
    shape("settings", "values that are cut", |count| {
        document("", "k#=\"1\n", "", count)
    }),
    shape("settings", "test plans", |count| {
        document("submitOptions.testPlans=\"[", "#,", "0]\"\n", count)
    }),
    shape("settings", "wrong rows", |count| {
        document("testConfigurationMappings=\"[", "{},", "{}]\"\n", count)
    }),
    shape("test_case", "variables", |count| {
        let variable = "<variable><name>v#</name><defaultValue>'1'</defaultValue></variable>";
        document("<TestCaseEntity>", variable, "</TestCaseEntity>", count)
    }),
    shape("test_case", "entries with ids", |count| {
        let entry = "<entry><key>azure.testcase.ids</key><value>#</value></entry>";
        let begin = "<TestCaseEntity><integratedEntity><productName>Azure</productName>";
        document(begin, entry, "</integratedEntity></TestCaseEntity>", count)
    }),
    shape("test_case", "entities that are damaged", |count| {
        document(
            "<TestCaseEntity>",
            "<integratedEntity><a></integratedEntity>",
            "",
            count,
        )
    }),
    shape("test_case", "raw ampersands", |count| {
        document("<TestCaseEntity>", "& ", "</TestCaseEntity>", count)
    }),
    shape("test_case", "conflicts", |count| {
        document(
            "<TestCaseEntity>\n",
            "<<<<<<<\na\n=======\nb\n>>>>>>>\n",
            "</TestCaseEntity>",
            count,
        )
    }),
    shape("collection", "members", |count| {
        document(
            "<a>",
            "<reportLocation>Reports/a/b/#</reportLocation>",
            "</a>",
            count,
        )
    }),
    shape("suite", "elements", |count| {
        document(
            "<a>",
            "<b#></b#>",
            "<numberOfRerun>1</numberOfRerun></a>",
            count,
        )
    }),
    shape("project", "attributes", |count| {
        document("<a ", "b#=\"1\" ", "><name>x</name></a>", count)
    }),
    shape("junit", "test cases", |count| {
        document(
            "<testsuites><testsuite>",
            "<testcase name=\"#\"/>",
            "</testsuite></testsuites>",
            count,
        )
    }),
    shape("junit", "failures", |count| {
        document(
            "<testsuite><testcase>",
            "<failure message=\"#\"/>",
            "</testcase></testsuite>",
            count,
        )
    }),
    shape("ids", "ids", |count| document("", "#,", "", count)),
    shape("ids", "one id", |count| document("", "1,", "", count)),
    shape("ids", "variables", |count| document("", "${#}", "", count)),
    shape("machine_config", "unknown keys", |count| {
        document("", "k# = 1\n", "", count)
    }),
    shape("machine_config", "projects", |count| {
        document("", "[[project]]\npath = \"/s/#\"\n", "", count)
    }),
    shape("machine_config", "tables", |count| {
        document("", "[a#.b]\nc = 1\n", "", count)
    }),
    shape("machine_config", "mistakes", |count| {
        document("", "k# = = 1\n", "", count)
    }),
    shape("machine_config", "placeholders", |count| {
        document("[submit]\ntest_run_name = \"", "{#}", "\"\n", count)
    }),
    shape("project_config", "unknown keys", |count| {
        document("", "k# = 1\n", "", count)
    }),
    shape("project_config", "one key again", |count| {
        document("", "k = #\n", "", count)
    }),
    shape("project_config", "test plans", |count| {
        document("[submit]\ntest_plans = [", "#,", "]\n", count)
    }),
    shape("answers", "items", |count| {
        document(
            "{\"value\":[",
            "{\"id\":#,\"name\":\"P\"},",
            "{\"id\":0,\"name\":\"P\"}]}",
            count,
        )
    }),
    shape("answers", "members", |count| {
        document("{\"value\":[],", "\"k#\":1,", "\"z\":1}", count)
    }),
    shape("answers", "tags of a page", |count| {
        document("<html>", "<title", "</html>", count)
    }),
    shape("headers", "digits", |count| document("", "1", "", count)),
    shape("server_url", "path", |count| {
        document("https://tfs.corp", "/a#", "", count)
    }),
    shape("server_url", "users", |count| {
        document("https://", "u@", "tfs.corp/tfs/A", count)
    }),
    shape("texts", "terminal sequences", |count| {
        document("", "\u{90}a", "", count)
    }),
    shape("texts", "users in URLs", |count| {
        document("", "http://u:p@h ", "", count)
    }),
    shape("texts", "names of one file", |count| {
        document("", "/a", "", count)
    }),
    shape("json", "escapes", |count| {
        document("{\"a\":\"", "\\\\", "\"}", count)
    }),
    shape("arguments", "options", |count| {
        document("", "-adoPlanId=#\n", "", count)
    }),
];

#[test]
fn four_times_as_much_costs_no_more_than_five_times_as_much() {
    let mut faults = Vec::new();
    for shape in SHAPES {
        let read = target(shape.target).unwrap().read;
        let small = cost(read, &(shape.make)(1000));
        let large = cost(read, &(shape.make)(4000));

        let bytes = (small.bytes_total, large.bytes_total);
        let blocks = (small.count_total, large.count_total);
        let held = (small.bytes_max, large.bytes_max);
        for (unit, (small, large)) in [
            ("bytes", bytes),
            ("blocks", blocks),
            ("bytes at once", held),
        ] {
            if large > 5 * small + SLACK {
                let Shape { target, what, .. } = shape;
                faults.push(format!("{target}, {what}: {small} {unit} become {large}"));
            }
        }
    }

    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What is of no account: buffers of a fixed size come with the first input that needs them.
const SLACK: u64 = 64 * 1024;

fn cost(read: fn(&[u8]), document: &str) -> AllocationInfo {
    // Once before, for what is made once in the life of a program.
    read(document.as_bytes());
    measure(|| read(document.as_bytes()))
}
