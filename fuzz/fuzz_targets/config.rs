//! The configuration: any bytes, as file, environment and command line; and as a URL that the server is to call.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    stoa::config::fuzzing::exercise(data);
    stoa_egress::fuzzing::exercise_url(data);
});
