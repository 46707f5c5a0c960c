//! Videos of tests (`VIDEO`): whose each one is, by the log or by its name, and where it goes.

#![expect(clippy::disallowed_methods, reason = "tests lay out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::{Attempt, Status, SuiteRunWriter, Test};

use crate::support::{Machine, finished, names, tc};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Add to cart", "1002")];

/// A machine that sends videos and nothing else.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.configure("[submit]\nattachments = [\"VIDEO\"]\nattach = \"all\"\n");
    machine
}

fn run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Add to cart"), "the cart is empty"),
    ])
    .reports(&[])
}

/// Writes a run with these files in `videos/`.
fn write(shop: &Path, run: &SuiteRunWriter, videos: &[&str]) -> PathBuf {
    let folder = run.write_in(shop).unwrap();
    fs::create_dir(folder.join("videos")).unwrap();
    for name in videos {
        fs::write(folder.join("videos").join(name), name).unwrap();
    }
    folder
}

/// Lets the log name a video in its last test, as Katalon on Windows does.
fn name_in_log(folder: &Path, name: &str) {
    let path = folder.join("execution0.log");
    let log = fs::read_to_string(&path).unwrap();
    let end = log.rfind("<method>endTest</method>").unwrap();
    let end = log[..end].rfind("<record>").unwrap();
    let record = format!(
        "<record>\n  <millis>1778055303000</millis>\n  <level>INFO</level>\n  \
         <method>logMessage</method>\n  <message>Video recording.</message>\n  \
         <nestedLevel>1</nestedLevel>\n  <escapedJava>false</escapedJava>\n  \
         <property name=\"video-attachment\">videos\\{name}</property>\n</record>\n"
    );
    fs::write(&path, format!("{}{record}{}", &log[..end], &log[end..])).unwrap();
}

/// What was sent to the run, to the result of the first and to that of the second test.
fn sent(machine: &Machine) -> [Vec<String>; 3] {
    let run = machine.ado_run();
    let of = |point| match run.result_of_point(point) {
        Some(result) => names(&result.attachments),
        None => Vec::new(),
    };
    [names(&run.attachments), of(11), of(12)]
}

/// What is sent of a run with these files in `videos/`.
fn sent_of(run: &SuiteRunWriter, videos: &[&str]) -> [Vec<String>; 3] {
    let machine = machine();
    let folder = write(&machine.shop(&CASES), run, videos);
    assert_eq!(machine.submit_folder(&folder).code, 0);
    sent(&machine)
}

#[test]
fn a_video_that_the_log_names_goes_with_its_subtitles_to_the_result_of_its_test() {
    let machine = machine();
    let videos = ["screen_recording_9_0.avi", "screen_recording_9_0.srt"];
    let folder = write(&machine.shop(&CASES), &run(), &videos);
    name_in_log(&folder, videos[0]);

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let [of_run, first, second] = sent(&machine);
    assert_eq!(of_run, [""; 0]);
    assert_eq!(first, [""; 0]);
    assert_eq!(second, videos);
}

#[test]
fn the_name_of_each_version_tells_whose_a_video_is() {
    for video in [
        "test_2.avi",
        "screen_recording_2_0.webm",
        "browser_recording_2_0.mp4",
        "Add to cart_2_0.mov",
        "Add ...art_2_0.avi",
    ] {
        let [of_run, first, second] = sent_of(&run(), &[video]);

        assert_eq!(second, [video]);
        assert_eq!((of_run.len(), first.len()), (0, 0), "{video}");
    }
}

#[test]
fn the_videos_of_all_attempts_go_to_the_result_of_their_test() {
    let retried =
        finished([Test::passed(&tc("Sign in")).after(Attempt::new(Status::Failed, "it was slow"))])
            .retries(1);
    let videos = ["Sign in_1_0.avi", "Sign in_1_1.avi"];

    let [of_run, first, _] = sent_of(&retried, &videos);

    assert_eq!(first, videos);
    assert_eq!(of_run, [""; 0]);
}

#[test]
fn a_video_of_an_unknown_test_goes_to_the_run() {
    let [of_run, first, second] = sent_of(&run(), &["Check out_7_0.avi"]);

    assert_eq!(of_run, ["Check out_7_0.avi"]);
    assert_eq!((first.len(), second.len()), (0, 0));
}

#[test]
fn a_video_of_a_test_that_is_not_submitted_is_not_sent() {
    let machine = machine();
    let shop = machine.shop(&[("Sign in", ""), ("Add to cart", "1002")]);
    let folder = write(&shop, &run(), &["test_1.avi", "test_1.srt", "test_2.avi"]);

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let [of_run, _, second] = sent(&machine);
    assert_eq!(of_run, [""; 0]);
    assert_eq!(second, ["test_2.avi"]);
}

#[test]
fn what_is_left_of_a_recording_is_not_sent() {
    let leftovers = ["test_1.srt", "test_2.tmp", "._test_2.avi"];

    let [of_run, first, second] = sent_of(&run(), &leftovers);

    assert_eq!((of_run.len(), first.len(), second.len()), (0, 0, 0));
}

#[test]
fn without_the_word_no_video_is_sent() {
    let machine = Machine::new();
    let folder = write(&machine.shop(&CASES), &run(), &["test_2.avi"]);

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let [of_run, _, second] = sent(&machine);
    assert_eq!(of_run, ["execution0.log"]);
    assert_eq!(second, [""; 0]);
}

#[test]
fn the_word_counts_in_the_settings_of_the_project_too() {
    let machine = Machine::new();
    let mut settings = machine.settings();
    settings.file_types = Some(vec!["VIDEO".to_owned()]);
    let shop = machine.shop_with(settings, &CASES);
    let folder = write(&shop, &run(), &["test_2.avi"]);

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let [of_run, _, second] = sent(&machine);
    assert_eq!(of_run, [""; 0]);
    assert_eq!(second, ["test_2.avi"]);
}

#[test]
fn a_video_over_the_limit_is_named_and_not_sent() {
    let machine = Machine::new();
    machine.configure(
        "[submit]\nattachments = [\"VIDEO\"]\nattach = \"all\"\n[azure]\nmax_attachment = \"4 B\"\n",
    );
    let folder = write(&machine.shop(&CASES), &run(), &["test_2.avi"]);

    assert_eq!(machine.submit_folder(&folder).code, 1);

    assert_eq!(sent(&machine)[2], [""; 0]);
    let comment = machine.ado_run().comment.unwrap();
    assert!(comment.contains("videos/test_2.avi"), "{comment}");
}

#[test]
fn a_video_that_the_log_names_and_that_is_gone_is_named() {
    let machine = machine();
    let folder = write(&machine.shop(&CASES), &run(), &[]);
    name_in_log(&folder, "screen_recording_2_0.avi");

    assert_eq!(machine.submit_folder(&folder).code, 1);

    let comment = machine.ado_run().comment.unwrap();
    assert!(
        comment.contains("videos/screen_recording_2_0.avi"),
        "{comment}"
    );
}

#[test]
fn only_tests_that_did_not_pass_have_their_videos_sent_unless_all_are_wanted() {
    let videos = ["test_1.avi", "test_1.srt", "test_2.avi", "test_2.srt"];
    let machine = Machine::new();
    machine.configure("[submit]\nattachments = [\"VIDEO\"]\nattach = \"failed\"\n");
    let folder = write(&machine.shop(&CASES), &run(), &videos);

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let [of_run, first, second] = sent(&machine);
    assert_eq!(of_run, [""; 0]);
    assert_eq!(first, [""; 0]);
    assert_eq!(second, ["test_2.avi", "test_2.srt"]);

    let [_, first, second] = sent_of(&run(), &videos);
    assert_eq!(first, ["test_1.avi", "test_1.srt"]);
    assert_eq!(second, ["test_2.avi", "test_2.srt"]);
}

#[test]
fn nobody_misses_the_video_of_a_test_that_passed() {
    let machine = machine();
    let both_passed = finished([
        Test::passed(&tc("Sign in")),
        Test::passed(&tc("Add to cart")),
    ])
    .reports(&[]);
    let folder = write(&machine.shop(&CASES), &both_passed, &[]);
    name_in_log(&folder, "screen_recording_2_0.avi");

    assert_eq!(machine.submit_folder(&folder).code, 0, "Katalon removes it");
}
