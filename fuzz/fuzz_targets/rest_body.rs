//! REST bodies: any bytes, as the body of each operation that reads one. A test of `stoa-rest` runs
//! the same on stable, with fewer and simpler inputs.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_rest::fuzzing::exercise(data));
