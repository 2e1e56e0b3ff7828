//! REST bodies: any bytes, as the body of each operation that reads one.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_rest::fuzzing::exercise_body(data));
