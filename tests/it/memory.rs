//! A log of hundreds of megabytes is read in a few.

#![cfg_attr(
    all(windows, target_env = "gnu"),
    expect(
        clippy::missing_const_for_thread_local,
        reason = "they are const; the lint does not see it on this target"
    )
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, BufReader, Read};

use kado::katalon::log::{FolderNames, LogReader};
use kado::katalon::status::Status;

/// Tests of the generated log; every tenth has texts of 8 MB.
const TESTS: usize = 80;

/// Counts the bytes that the current thread holds, and their peak. Other tests run on other
/// threads.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    // A thread that is ending has no counters any more.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

#[expect(
    unsafe_code,
    reason = "an allocator that counts and leaves the work to the system's"
)]
// SAFETY: every call is passed on unchanged to the system's allocator, which upholds the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(isize::try_from(layout.size()).unwrap_or(isize::MAX));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-isize::try_from(layout.size()).unwrap_or(isize::MAX));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const FILLER: &[u8] = b"Clicking on element &amp;apos;Object Repository/Page/button&amp;apos; ";

/// A piece of a log that is being made.
enum Piece {
    Text(Vec<u8>),
    /// So many bytes of a message.
    Filler(usize),
}

/// Makes a log while it is read, without holding it: tests that fail, and texts of many megabytes.
struct Generated {
    pieces: VecDeque<Piece>,
    filler: Vec<u8>,
    at: usize,
    next_test: usize,
    length: usize,
}

impl Generated {
    fn new() -> Self {
        let mut log = Self {
            pieces: VecDeque::new(),
            filler: FILLER.repeat(1000),
            at: 0,
            next_test: 0,
            length: 0,
        };

        log.text("<log>");
        log.record(
            "START",
            "startSuite",
            0,
            "<property name=\"id\">Test Suites/Large</property>",
            0,
        );

        log
    }

    fn text(&mut self, text: &str) {
        self.pieces.push_back(Piece::Text(text.as_bytes().to_vec()));
    }

    fn record(
        &mut self,
        level: &str,
        method: &str,
        message: usize,
        property: &str,
        in_property: usize,
    ) {
        self.text(&format!(
            "<record>\n  <millis>1704448800000</millis>\n  <level>{level}</level>\n  <method>{method}</method>\n  <message>"
        ));
        self.pieces.push_back(Piece::Filler(message));
        self.text(
            "</message>\n  <nestedLevel>1</nestedLevel>\n  <escapedJava>false</escapedJava>\n",
        );
        self.text(property);
        self.text("<property name=\"keywordsUsage\">");
        self.pieces.push_back(Piece::Filler(in_property));
        self.text("</property>\n</record>\n");
    }

    /// The records of one more test, or the end.
    fn more(&mut self) {
        let number = self.next_test;
        self.next_test += 1;

        match number {
            0..TESTS => {
                let size = if number.is_multiple_of(10) {
                    8_000_000
                } else {
                    100_000
                };
                self.record(
                    "START",
                    "startTest",
                    0,
                    &format!("<property name=\"id\">Test Cases/T{number}</property>"),
                    0,
                );
                self.record("START", "startKeyword", 0, "", 0);
                self.record("INFO", "logMessage", size, "", 0);
                self.record("FAILED", "logMessage", size, "", size);
                self.record("END", "endKeyword", 0, "", size);
                self.record("END", "endTest", 0, "", size);
            }
            TESTS => self.record("END", "endSuite", 0, "", 0),
            _ => {}
        }
    }
}

impl Read for Generated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pieces.is_empty() {
            self.more();
        }

        let (count, size) = match self.pieces.front() {
            None => return Ok(0),
            Some(Piece::Text(text)) => {
                let count = buffer.len().min(text.len() - self.at);
                buffer[..count].copy_from_slice(&text[self.at..self.at + count]);
                (count, text.len())
            }
            Some(Piece::Filler(size)) => {
                let from = self.at % self.filler.len();
                let count = buffer
                    .len()
                    .min(size - self.at)
                    .min(self.filler.len() - from);
                buffer[..count].copy_from_slice(&self.filler[from..from + count]);
                (count, *size)
            }
        };

        self.at += count;
        self.length += count;

        if self.at == size {
            self.pieces.pop_front();
            self.at = 0;
        }

        // Nothing at all would mean the end.
        if count == 0 {
            self.read(buffer)
        } else {
            Ok(count)
        }
    }
}

#[test]
fn a_log_of_hundreds_of_megabytes_is_read_in_a_few() {
    // On a thread of its own, whose counters begin at nothing.
    let reading = std::thread::spawn(|| {
        let mut reader = LogReader::new(FolderNames::default());
        let mut log = Generated::new();
        let before = HELD.get();
        PEAK.set(before);
        reader
            .feed(
                "execution0.log",
                BufReader::with_capacity(64 * 1024, &mut log),
            )
            .unwrap();
        (reader.finish(), log.length, PEAK.get() - before)
    });

    let (summary, length, peak) = reading.join().unwrap();
    assert!(length > 200_000_000, "{length}");
    assert!(peak < 32 * 1024 * 1024, "{peak} bytes were held at once");
    assert_eq!(summary.tests.len(), TESTS);
    assert!(
        summary
            .tests
            .iter()
            .all(|test| test.status() == Status::Failed)
    );
    assert!(summary.ended.is_some());
}
