//! Stored files: any bytes as one, and a good one that was changed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_blob::fuzzing::exercise(data));
