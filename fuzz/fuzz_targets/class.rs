//! The stream of a class room: any bytes, as messages of a client, and as what a session makes of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_gateway::fuzzing::exercise_class(data));
