//! What comes over the network to a room with a sender and a watcher: datagrams, payloads, time.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_media::fuzzing::exercise_datagrams(data));
