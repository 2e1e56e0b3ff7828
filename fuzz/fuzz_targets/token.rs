//! Access tokens: any bytes, as a token and as what is behind each of its layers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_token::fuzzing::exercise(data));
