//! What the fuzz target runs, shared with a test that needs no fuzzer: any bytes, as the database that an operator gives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Database, GeoRange};

/// Takes `data` for a database, and asks it where addresses are: some that its first bytes make up, so that the fuzzer
/// chooses them as well. Takes it for what an operator says of a range, too.
///
/// # Panics
/// When an address is elsewhere than the same address written as IPv6, or what is said of a range is written otherwise
/// than it was read.
pub fn exercise(data: &[u8]) {
    if let Some(range) =
        std::str::from_utf8(data).ok().and_then(|text| text.parse::<GeoRange>().ok())
    {
        assert_eq!(range.to_string().parse().as_ref(), Ok(&range));
    }
    let Ok(database) = Database::of(data.to_vec()) else { return };
    let chosen = data.first_chunk().copied().unwrap_or_default();
    let mut four = vec![Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, Ipv4Addr::new(81, 2, 69, 7)];
    four.extend(data.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes)));
    for address in four {
        let mapped = IpAddr::V6(address.to_ipv6_mapped());
        assert_eq!(database.country(address.into()), database.country(mapped));
    }
    for bits in [0, 1, u128::MAX, u128::from_be_bytes(chosen)] {
        let _ = database.country(Ipv6Addr::from(bits).into());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn corpus() -> Vec<Vec<u8>> {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/geo");
        let inputs = std::fs::read_dir(corpus).unwrap().map(Result::unwrap);
        inputs.map(|input| std::fs::read(input.path()).unwrap()).collect()
    }

    #[test]
    fn what_the_fuzzer_kept() {
        let inputs = corpus();
        assert!(inputs.iter().any(|input| Database::of(input.clone()).is_ok()), "a good one");
        inputs.iter().for_each(|input| exercise(input));
    }

    proptest! {
        /// A good database in which some bytes are others does no harm.
        #[test]
        fn damaged_bytes(which: prop::sample::Index, at: prop::sample::Index, to: [u8; 3]) {
            let inputs = corpus();
            let mut data = which.get(&inputs).clone();
            if data.len() > to.len() {
                let at = at.index(data.len() - to.len());
                data[at..at + to.len()].copy_from_slice(&to);
            }
            exercise(&data);
        }
    }
}
