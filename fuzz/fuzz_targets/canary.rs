//! No parser: a defect that is found only step by step, with feedback from the code that was reached.
//! `cargo xtask fuzz` runs it first; where it is not found, no other result means anything.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut bytes = data.iter();
    let mut is = |wanted: u8| bytes.next() == Some(&wanted);
    if is(b'C') && is(b'a') && is(b'n') && is(b'a') && is(b'r') && is(b'y') {
        panic!("the canary was found, as it should be");
    }
});
