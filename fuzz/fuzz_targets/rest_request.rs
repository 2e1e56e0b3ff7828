//! REST requests: any bytes, as path, query and the headers that are read.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_rest::fuzzing::exercise_request(data));
