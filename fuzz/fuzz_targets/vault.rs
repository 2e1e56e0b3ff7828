//! The vault's files: any bytes, as each file and as what is behind its seal.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_vault::fuzzing::exercise_vault(data));
