//! Receipts of destructions: any bytes, as an export that is to be verified, and as a receipt that was signed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    stoa::admin::fuzzing::exercise(data);
});
