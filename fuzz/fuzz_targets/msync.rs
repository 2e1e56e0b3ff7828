//! MSYNC: any bytes, as a frame, the message of each command and a body, and as what a session makes
//! of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    stoa_wire::fuzzing::exercise(data);
    stoa_gateway::fuzzing::exercise_frame(data);
});
