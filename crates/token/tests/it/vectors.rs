//! The vectors made with the official builders, and what each builder call makes.

pub(crate) const FILE: &str = include_str!("../vectors/tokens.json");

#[test]
fn every_vector_comes_out_as_it_should() {
    let report = stoa_token::vectors::check(FILE).unwrap();
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    assert_eq!(report.passed, 221);
}
