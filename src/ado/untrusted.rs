//! What servers answer, read as the calls read it: a door for `fuzzing`, which is part of no
//! program.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use url::Url;

use crate::ado::classify::{ServerAnswer, classify, without_mark};
use crate::ado::headers;
use crate::ado::wire::{
    AdoResult, Attachment, AutomatedItem, Build, ConnectionData, List, PipelineDefinition,
    ReleaseAnswer, SuiteOfCase, SuitePoint, TeamProject, TestConfiguration, TestPlan, TestPoint,
    TestRun, TestSuite, TypeCategory, WorkItem,
};

/// Reads an answer as that of every call, and as an error of every kind.
pub(crate) fn answers(body: &[u8]) {
    lists(body);
    read::<ConnectionData>(body);
    read::<PipelineDefinition>(body);
    read::<TypeCategory>(body);
    read::<WorkItem>(body);

    for status in [200, 203, 302, 400, 401, 403, 404, 409, 412, 429, 500, 503] {
        for content_type in ["application/json", "text/html"] {
            let answer = ServerAnswer {
                status,
                content_type: Some(content_type),
                body,
                ..ServerAnswer::default()
            };
            let meaning = classify(&answer);
            assert!(meaning == classify(&answer), "an answer means one thing");
        }
    }
}

fn lists(body: &[u8]) {
    read_list::<Attachment>(body);
    read_list::<Option<AutomatedItem>>(body);
    read_list::<Build>(body);
    read_list::<ReleaseAnswer>(body);
    read_list::<SuiteOfCase>(body);
    read_list::<SuitePoint>(body);
    read_list::<TeamProject>(body);
    read_list::<TestConfiguration>(body);
    read_list::<TestPlan>(body);
    read_list::<TestPoint>(body);
    read_list::<AdoResult>(body);
    read_list::<TestRun>(body);
    read_list::<TestSuite>(body);
    read_list::<Option<WorkItem>>(body);
}

fn read_list<T: DeserializeOwned>(body: &[u8]) {
    if let Some(list) = read::<List<T>>(body) {
        assert!(list.value.len() <= 100_000, "items are counted");
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(without_mark(body)).ok()
}

/// Reads lines as the headers of an answer that mean something.
pub(crate) fn headers(lines: &[u8]) {
    let names = [
        "retry-after",
        "date",
        "x-ratelimit-reset",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "location",
    ];
    let mut headers = HeaderMap::new();
    for (line, name) in lines
        .split(|byte| *byte == b'\n')
        .zip(names.into_iter().cycle())
    {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }

    let hour = Duration::from_secs(60 * 60);
    assert!(headers::retry_after(&headers).is_none_or(|pause| pause <= hour));
    assert!(
        headers::budget(&headers)
            .pause()
            .is_none_or(|pause| pause <= hour)
    );
    if let Ok(asked) = Url::parse("http://tfs.corp/tfs/Shop/_apis") {
        let target = headers::https_target(&asked, &headers);
        assert!(target.is_none_or(|target| target.host() == asked.host()));
    }
}
