//! The committed inputs of each target, read as a unit test.

#![expect(clippy::disallowed_methods, reason = "the inputs are files")]

#[cfg(test)]
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::fuzzing::{TARGETS, documents};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

#[test]
fn every_input_that_was_kept_is_read() {
    for target in TARGETS {
        let mut count = 0;
        for entry in fs::read_dir(fuzz().join("corpus").join(target.name)).unwrap() {
            target.run(&fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }

        assert!(count > 0, "`{}` has no inputs", target.name);
    }
}

#[test]
fn every_target_can_be_fuzzed() {
    for target in TARGETS {
        let path = fuzz().join("targets").join(format!("{}.rs", target.name));
        let source = fs::read_to_string(path).unwrap();

        assert!(source.contains(&format!("\"{}\"", target.name)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn what_recipes_make_is_read(recipe in prop::collection::vec(any::<u8>(), 1..400)) {
        for target in TARGETS {
            (target.read)(&documents::document(target.form, &recipe));
        }
    }

    #[test]
    fn what_is_no_document_is_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for target in TARGETS {
            (target.read)(&bytes);
        }
    }
}
