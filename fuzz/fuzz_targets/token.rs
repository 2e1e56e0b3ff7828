//! Access tokens: any bytes, as a token and as what is behind each of its layers. The test
//! `properties` of `stoa-token` runs the same on stable, with fewer and simpler inputs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_token::fuzzing::exercise(data));
