//! Backups: any bytes as a header, and as the items of an opened chunk.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_backup::fuzzing::exercise(data));
