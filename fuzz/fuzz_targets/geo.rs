//! Databases of where addresses are: any bytes, as the file that an operator gives.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    stoa_geo::fuzzing::exercise(data);
});
