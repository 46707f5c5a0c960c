#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| kado_fuzz::run("binding", input));
