//! No parser: a defect that is found only step by step, with feedback from the code that was reached.
//! `cargo xtask fuzz` runs it first; where it is not found, no other result means anything.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut bytes = data.iter();
    let mut next = || bytes.next().copied().unwrap_or_default();
    if next() == b'S' && next() == b'T' && next() == b'O' && next() == b'A' {
        let rest: Vec<u8> = bytes.copied().collect();
        assert_ne!(rest.as_slice(), b"found", "the canary was found, as it should be");
    }
});
