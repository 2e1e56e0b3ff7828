//! Stored records: any bytes, as a sealed record and as the value of each kind of record.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    stoa_vault::fuzzing::exercise_record(data);
    stoa_chat::fuzzing::exercise(data);
    stoa_console::fuzzing::exercise(data);
    stoa_egress::fuzzing::exercise_record(data);
});
