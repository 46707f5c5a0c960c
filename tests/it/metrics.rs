//! Metrics: what a Prometheus or node_exporter is told, and whether rules and dashboard ask for
//! what there is.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read documents and start promtool"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::Test;
use regex::Regex;
use serde_json::Value;

use crate::page::{get, port, raw};
use crate::support::{Machine, Service, finished, tc, wait_until};

/// Values by label, of the samples of each name.
type Seen = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A machine whose service has submitted a run, with an end of its token in kado.toml.
fn machine_at_work() -> (Machine, Service) {
    let machine = Machine::new();
    machine.configure(
        "history = \"all\"\n[status_page]\nlisten = \"127.0.0.1:0\"\n\
         [azure]\nexpires = \"2099-12-31\"\n",
    );
    let shop = machine.shop(&[("Sign in", "1001")]);
    finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();

    let service = machine.start();
    machine.wait_for_completed(1);
    wait_until("a sweep that is over", || {
        let text = get(port(&service), "/metrics").1;
        if text.contains("kado_sweep_seconds") {
            Ok(())
        } else {
            Err(text)
        }
    });
    (machine, service)
}

/// The value of a sample, by its name with its labels as they are written.
fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{sample} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// What the samples of a text are called, and by which labels they are told apart.
fn seen(text: &str) -> Seen {
    let label = Regex::new(r#"([a-z_]+)="((?:[^"\\]|\\.)*)""#).unwrap();
    let mut seen = Seen::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap().to_owned();
        let labels = seen.entry(name).or_default();
        for found in label.captures_iter(line) {
            let values = labels.entry(found[1].to_owned()).or_default();
            values.insert(found[2].to_owned());
        }
    }
    seen
}

/// The names in the table of `docs/monitoring.md`, with whether the command has them as well.
fn documented() -> BTreeMap<String, bool> {
    let text = fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    let mut names = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("| `kado_") {
            let end = rest.find(['{', '`']).unwrap();
            let of_command = !line.contains("Only `/metrics`");
            names.insert(format!("kado_{}", &rest[..end]), of_command);
        }
    }
    assert!(names.len() > 10, "{names:?}");
    names
}

/// The family of a sample: a histogram has several.
fn family(name: &str) -> String {
    for suffix in ["_bucket", "_sum", "_count"] {
        if let Some(family) = name.strip_suffix(suffix) {
            return family.to_owned();
        }
    }
    name.to_owned()
}

/// Runs promtool with this on standard input; `None` where there is none on this machine. `.ci/run`
/// does not install it, so nobody insists.
fn promtool(arguments: &[&str], input: &str) -> Option<(bool, String)> {
    let child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        let _ = writeln!(std::io::stderr(), "skipped: promtool is not installed");
        return None;
    };

    // Whoever refuses its arguments closes the pipe unread.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_there() {
    let (machine, service) = machine_at_work();

    let of_service = get(port(&service), "/metrics").1;
    let of_command = machine.kado(&["metrics"]).out;

    let names =
        |text: &str| -> BTreeSet<String> { seen(text).keys().map(|name| family(name)).collect() };
    let documented = documented();
    let all: BTreeSet<String> = documented.keys().cloned().collect();
    assert_eq!(names(&of_service), all, "{of_service}");
    let durable: BTreeSet<String> = documented
        .into_iter()
        .filter(|(_, of_command)| *of_command)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names(&of_command), durable, "{of_command}");
}

#[test]
fn a_service_counts_what_it_asked_and_sent() {
    let (machine, service) = machine_at_work();

    let text = get(port(&service), "/metrics").1;

    let server = machine.fake.base_url();
    let server = server.trim_end_matches('/');
    let ok = format!("kado_requests_total{{server=\"{server}\",result=\"ok\"}}");
    let requests = machine.fake.requests().len() as f64;
    assert_eq!(value(&text, &ok), Some(requests), "{text}");
    assert_eq!(value(&text, "kado_request_seconds_count"), Some(requests));
    let sent: u64 = machine
        .ado_run()
        .attachments
        .iter()
        .map(|attachment| attachment.size)
        .sum();
    assert_eq!(value(&text, "kado_uploaded_bytes_total"), Some(sent as f64));
    assert_eq!(value(&text, "kado_runs{state=\"submitted\"}"), Some(1.0));
    assert_eq!(value(&text, "kado_projects"), Some(1.0));
    assert_eq!(value(&text, "kado_service_running"), Some(1.0));
}

#[test]
fn a_token_that_is_refused_is_a_number_by_its_server() {
    let machine = Machine::new();
    let refused = FaultAction::Refused(Refusal::Expired401);
    machine.fake.fault(Fault::new("*", "", Nth::Every, refused));
    machine.configure("history = \"all\"\n[status_page]\nlisten = \"127.0.0.1:0\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    let service = machine.start();
    machine.wait_for_rows("a run that waits for a token", |rows| {
        rows.iter().any(|row| row.contains("refused"))
    });

    let text = get(port(&service), "/metrics").1;

    let server = machine.fake.base_url();
    let server = server.trim_end_matches('/');
    let refused = format!("kado_requests_total{{server=\"{server}\",result=\"refused\"}}");
    assert_eq!(value(&text, &refused), Some(1.0), "{text}");
    let problems = "kado_problems{kind=\"credentials\"}";
    assert_eq!(value(&text, problems), Some(1.0), "{text}");
    assert_eq!(value(&text, "kado_runs{state=\"pending\"}"), Some(1.0));
}

#[test]
fn what_is_not_known_is_left_out_and_not_zero() {
    let machine = Machine::new();

    let done = machine.kado(&["metrics"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(value(&done.out, "kado_service_running"), Some(0.0));
    for unknown in [
        "kado_last_success_timestamp_seconds",
        "kado_last_run_seen_timestamp_seconds",
        "kado_requests_total",
        "kado_uploaded_bytes_total",
    ] {
        assert!(!done.out.contains(unknown), "{unknown}: {}", done.out);
    }
}

#[test]
fn the_file_for_node_exporter_holds_what_the_command_prints() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1099")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let file = machine.root().join("kado.prom");
    fs::write(&file, "what stood there before\n".repeat(1000)).unwrap();

    let written = machine.kado(&["metrics", "--textfile", &file.to_string_lossy()]);

    assert_eq!((written.code, &*written.out), (0, ""), "{written:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(value(&text, "kado_runs{state=\"parked\"}"), Some(1.0));
    assert_eq!(seen(&text), seen(&machine.kado(&["metrics"]).out));
    // The collector reads Prometheus' own form.
    assert!(
        !text.contains("# EOF") && !text.contains("# UNIT"),
        "{text}"
    );
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let machine = Machine::new();
    let file = machine.root().join("no folder").join("kado.prom");

    let done = machine.kado(&["metrics", "--textfile", &file.to_string_lossy()]);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains(&*file.to_string_lossy()), "{done:?}");
}

#[test]
fn whoever_asks_for_open_metrics_is_told_that_it_is() {
    let machine = Machine::new();
    machine.configure("[status_page]\nlisten = \"127.0.0.1:0\"\n");
    let service = machine.start();
    let port = port(&service);
    let host = format!("Host: localhost:{port}\r\n");

    // As Prometheus 2.42 asks, and as curl does.
    let accept =
        "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n";
    let open = raw(port, "GET /metrics", &format!("{host}{accept}"));
    let plain = raw(port, "GET /metrics", &format!("{host}Accept: */*\r\n"));

    let open = open.to_lowercase();
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(open.contains(kind), "{open}");
    assert!(
        open.contains("# type kado_uploaded_bytes counter\n"),
        "{open}"
    );
    assert!(open.ends_with("# eof\n"), "{open}");
    let plain = plain.to_lowercase();
    let kind = "content-type: text/plain; version=0.0.4; charset=utf-8\r\n";
    assert!(plain.contains(kind), "{plain}");
    assert!(
        plain.contains("# type kado_uploaded_bytes_total counter\n"),
        "{plain}"
    );
}

#[test]
fn promtool_takes_the_metrics_of_service_and_command() {
    let (machine, service) = machine_at_work();

    for text in [
        get(port(&service), "/metrics").1,
        machine.kado(&["metrics"]).out,
    ] {
        let Some((good, said)) = promtool(&["check", "metrics"], &text) else {
            return;
        };

        assert!(good && said.is_empty(), "{said}\n{text}");
    }
}

#[test]
fn each_alert_fires_when_it_should_and_only_then() {
    let tests = root().join("tests/it/monitoring/rules.test.yml");
    let rules = root().join("docs/monitoring/kado.rules.yml");

    for arguments in [
        ["check", "rules", &*rules.to_string_lossy()],
        ["test", "rules", &*tests.to_string_lossy()],
    ] {
        let Some((good, said)) = promtool(&arguments, "") else {
            return;
        };

        assert!(good, "{said}");
    }

    // Nobody adds an alert without its test, and its line in the document.
    let tested = fs::read_to_string(tests).unwrap();
    let document = fs::read_to_string(root().join("docs/monitoring.md")).unwrap();
    for line in fs::read_to_string(rules).unwrap().lines() {
        if let Some(alert) = line.trim().strip_prefix("- alert: ") {
            assert!(
                tested.matches(&format!("alertname: {alert}")).count() > 1,
                "{alert}"
            );
            assert!(document.contains(&format!("`{alert}`")), "{alert}");
        }
    }
}

/// All queries of the dashboard, with the name of their legend.
fn queries(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            if let Some(query) = members.get("expr").and_then(Value::as_str) {
                let legend = members.get("legendFormat").and_then(Value::as_str);
                found.push((query.to_owned(), legend.unwrap_or_default().to_owned()));
            }
            for member in members.values() {
                queries(member, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                queries(item, found);
            }
        }
        _ => {}
    }
}

/// What a query asks for that no sample has.
fn misses(query: &str, legend: &str, seen: &Seen) -> Vec<String> {
    // Prometheus adds these to each sample.
    let added = ["instance", "job"];
    let selector = Regex::new(r"\b(kado_[a-z_]+)(?:\{([^}]*)\})?").unwrap();
    let matcher = Regex::new(r#"([a-z_]+)(=~|=)"([^"]*)""#).unwrap();
    let grouping = Regex::new(r"\bby \(([^)]*)\)").unwrap();
    let template = Regex::new(r"\{\{([a-z_]+)\}\}").unwrap();
    let mut misses = Vec::new();
    let mut labels: BTreeSet<&str> = added.into();

    for asked in selector.captures_iter(query) {
        let Some(known) = seen.get(&asked[1]) else {
            misses.push(asked[1].to_owned());
            continue;
        };
        labels.extend(known.keys().map(String::as_str));

        for wanted in matcher.captures_iter(asked.get(2).map_or("", |labels| labels.as_str())) {
            let label = &wanted[1];
            let values = &wanted[3];
            if added.contains(&label) {
                continue;
            }
            let Some(found) = known.get(label) else {
                misses.push(format!("{} of {}", label, &asked[1]));
                continue;
            };
            for value in values.split('|') {
                if !found.contains(value) {
                    misses.push(format!("{label}={value} of {}", &asked[1]));
                }
            }
        }
    }

    let grouped = grouping.captures_iter(query);
    let grouped = grouped.flat_map(|found| {
        let labels = found[1].split(',').map(|label| label.trim().to_owned());
        labels.collect::<Vec<_>>()
    });
    let shown = template
        .captures_iter(legend)
        .map(|found| found[1].to_owned());
    for label in grouped.chain(shown) {
        if !labels.contains(&*label) {
            misses.push(format!("{label} in `{query}`"));
        }
    }
    misses
}

#[test]
fn dashboard_and_alerts_ask_for_what_there_is() {
    let (_machine, service) = machine_at_work();
    let seen = seen(&get(port(&service), "/metrics").1);
    let file = root().join("docs/monitoring/kado-dashboard.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    assert!(asked.len() > 20, "{asked:?}");

    for (query, legend) in &asked {
        assert_eq!(misses(query, legend, &seen), [""; 0], "{query}");
    }
    let rules = fs::read_to_string(root().join("docs/monitoring/kado.rules.yml")).unwrap();
    assert_eq!(misses(&rules, "", &seen), [""; 0]);

    // And each is a query, which promtool knows of rules alone.
    let temp = tempfile::tempdir().unwrap();
    let file: PathBuf = temp.path().join("queries.yml");
    let mut text = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, (query, _)) in asked.iter().enumerate() {
        let query = Value::from(query.replace("$instance", ".*"));
        text.push_str(&format!(
            "      - record: query{number}\n        expr: {query}\n"
        ));
    }
    fs::write(&file, text).unwrap();
    if let Some((good, said)) = promtool(&["check", "rules", &file.to_string_lossy()], "") {
        assert!(good, "{said}");
    }
}

#[test]
fn a_query_for_what_there_is_not_is_noticed() {
    let seen = seen("kado_runs{state=\"parked\"} 1.0\nkado_projects 2.0\n");

    for (query, legend) in [
        ("sum(kado_run{state=\"parked\"})", ""),
        ("kado_runs{kind=\"parked\"}", ""),
        ("kado_runs{state=~\"parked|lost\"}", ""),
        ("sum by (state) (kado_projects)", ""),
        ("kado_projects", "{{state}}"),
    ] {
        assert_eq!(misses(query, legend, &seen).len(), 1, "{query}");
    }
    let good = "sum by (instance, state) (kado_runs{instance=~\"$instance\",state=\"parked\"})";
    assert_eq!(misses(good, "{{state}}", &seen), [""; 0]);
}
