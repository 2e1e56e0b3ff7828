//! Offers of sound and pictures: any bytes, as the session description of somebody new and of somebody who is connected.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stoa_media::fuzzing::exercise_offer(data));
