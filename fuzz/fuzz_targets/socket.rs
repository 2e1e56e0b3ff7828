//! A new connection: any bytes, as its first request and as WebSocket frames.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_gateway::fuzzing::exercise_socket(data));
