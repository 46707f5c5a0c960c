//! A file that never answers whoever reads it, and a folder that never answers whoever lists it, as
//! on a share whose server is gone.
//!
//! It is a file system of one file or folder (FUSE), whose protocol is described in `linux/fuse.h`:
//! every request has a head of 40 bytes, every answer one of 16.

#![expect(
    clippy::disallowed_methods,
    reason = "tests mount file systems by a program"
)]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::io::{FdFlags, fcntl_setfd};

use super::skipping::skip;
use super::waiting::wait_until;

/// What is asked of the file system, of what it has an answer to.
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const RELEASE: u32 = 18;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;
const LOOKUP: u32 = 1;
const OPENDIR: u32 = 27;
const READDIR: u32 = 28;
const RELEASEDIR: u32 = 29;
const READDIRPLUS: u32 = 44;
/// `ENOENT`, `EINTR` and `ENOSYS`, as answers have them.
const NOT_THERE: i32 = -2;
const INTERRUPTED: i32 = -4;
const NOT_KNOWN: i32 = -38;
/// A request and the most that it may carry.
const LONGEST: usize = 1 << 18;

/// A regular file, and a folder, by their modes.
const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_755;

/// A file or folder that hangs, in place of one that is there, until this is dropped.
pub(crate) struct HangingFile {
    path: PathBuf,
    reads: Arc<AtomicUsize>,
}

impl HangingFile {
    /// Has a file hang that says to be as large as it was; `None`, and the test is skipped, where
    /// no file system can be mounted.
    pub(crate) fn in_place_of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).expect("it is there");
        let size = metadata.len();
        let mode = if metadata.is_dir() { FOLDER } else { FILE };
        let Ok(device) = File::options().read(true).write(true).open("/dev/fuse") else {
            skip("there is no FUSE here");
            return None;
        };

        // For `mount`, which hands it to the kernel.
        fcntl_setfd(&device, FdFlags::empty()).expect("a flag can be taken away");
        let options = format!(
            "fd={},rootmode={mode:o},user_id=0,group_id=0",
            device.as_raw_fd()
        );
        let mounted = Command::new("mount")
            .args(["-i", "-t", "fuse", "-o", &options, "hanging"])
            .arg(path)
            .output();
        fcntl_setfd(&device, FdFlags::CLOEXEC).expect("a flag can be set");
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            skip("no file system can be mounted here");
            return None;
        }

        let reads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&reads);
        thread::spawn(move || serve(device, mode, size, &counted));
        Some(Self {
            path: path.to_owned(),
            reads,
        })
    }

    /// Waits until somebody reads or lists it.
    pub(crate) fn wait_until_read(&self) {
        wait_until("the file that hangs to be read", || {
            if self.reads.load(Ordering::Relaxed) > 0 {
                Ok(())
            } else {
                Err(String::new())
            }
        });
    }
}

impl Drop for HangingFile {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// Answers until the file system is gone.
fn serve(mut device: File, mode: u32, size: u64, reads: &AtomicUsize) {
    let mut request = vec![0; LONGEST];
    while let Ok(length) = device.read(&mut request) {
        let operation = u32::from_le_bytes(request[4..8].try_into().unwrap());
        let unique = &request[8..16];

        let answer = match operation {
            INIT => answer(unique, 0, &init()),
            GETATTR => answer(unique, 0, &attributes(mode, size)),
            // Each read is asked for as it is, whatever was read before.
            OPEN | OPENDIR => answer(
                unique,
                0,
                &[&[0; 8][..], &[1, 0, 0, 0, 0, 0, 0, 0]].concat(),
            ),
            FLUSH | RELEASE | RELEASEDIR => answer(unique, 0, &[]),
            LOOKUP => answer(unique, NOT_THERE, &[]),
            FORGET | BATCH_FORGET => continue,
            READ | READDIR | READDIRPLUS => {
                reads.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            // A process that is killed gives its read up, as on a share.
            INTERRUPT if length >= 48 => answer(&request[40..48], INTERRUPTED, &[]),
            _ => answer(unique, NOT_KNOWN, &[]),
        };
        let _ = device.write_all(&answer);
    }
}

fn answer(unique: &[u8], error: i32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).expect("answers are short");
    [
        &length.to_le_bytes()[..],
        &error.to_le_bytes(),
        unique,
        body,
    ]
    .concat()
}

/// `fuse_init_out` of version 7.31, in which everything that may be left out is 0.
fn init() -> Vec<u8> {
    let mut body = Vec::new();
    for number in [7_u32, 31, 0, 0, 0, 64 * 1024] {
        body.extend(number.to_le_bytes());
    }
    body.resize(64, 0);
    body
}

/// `fuse_attr_out` of a file or folder.
fn attributes(mode: u32, size: u64) -> Vec<u8> {
    let mut body = vec![0; 16];
    for number in [1, size, size.div_ceil(512), 0, 0, 0] {
        body.extend(number.to_le_bytes());
    }
    // Nanoseconds of three times, mode, links, owner, group, device, block size, flags.
    for number in [0_u32, 0, 0, mode, 1, 0, 0, 0, 4096, 0] {
        body.extend(number.to_le_bytes());
    }
    body
}
