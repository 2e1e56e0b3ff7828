//! The configuration: any bytes, as file, environment and command line.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa::config::fuzzing::exercise(data));
