//! One hash: argon2id with the parameters of RFC 9106's and OWASP's second choice (19 MiB, two passes, one
//! lane), as a PHC string.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};

use super::pool::Memory;

/// Bytes of a salt.
const SALT: usize = 16;
/// Bytes of a hash.
const OUTPUT: usize = Params::DEFAULT_OUTPUT_LEN;

/// The PHC string of `password`.
pub(super) fn hash(password: &[u8], salt: [u8; SALT], memory: &mut Memory) -> String {
    let mut output = [0; OUTPUT];
    let argon2 = Argon2::default();
    let blocks = memory.blocks(argon2.params().block_count());
    argon2
        .hash_password_into_with_memory(password, &salt, &mut output, blocks)
        .expect("the default parameters take any password and a salt of 16 bytes");
    phc(&salt, &output)
}

/// A string that is well formed and the hash of nothing that anybody knows.
pub(super) fn of_nothing(salt: [u8; SALT], output: [u8; OUTPUT]) -> String {
    phc(&salt, &output)
}

fn phc(salt: &[u8], output: &[u8]) -> String {
    const HOLDS: &str = "the default parameters and these lengths fit";
    let argon2 = Argon2::default();
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(argon2.params()).expect(HOLDS),
        salt: Some(Salt::new(salt).expect(HOLDS)),
        hash: Some(Output::new(output).expect(HOLDS)),
    };
    hash.to_string()
}

/// Whether `password` is the one that `phc` was made of; a text that is none is nobody's.
pub(super) fn matches(password: &[u8], phc: &str, memory: &mut Memory) -> bool {
    let mut matching = || {
        let parsed = PasswordHash::new(phc).ok()?;
        let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).ok()?;
        let version = Version::try_from(parsed.version?).ok()?;
        let params = Params::try_from(&parsed).ok()?;
        let (salt, expected) = (parsed.salt?, parsed.hash?);
        let blocks = memory.blocks(params.block_count());
        let mut output = vec![0; expected.len()];
        let argon2 = Argon2::new(algorithm, version, params);
        argon2.hash_password_into_with_memory(password, &salt, &mut output, blocks).ok()?;
        // Compared in constant time.
        Some(Output::new(&output).ok()? == expected)
    };
    matching().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{PasswordHasher, PasswordVerifier};

    #[test]
    fn the_strings_are_those_of_the_library() {
        let mut memory = Memory::default();
        let salt = [7; SALT];
        let ours = hash(b"correct horse", salt, &mut memory);
        let theirs: PasswordHash =
            Argon2::default().hash_password_with_salt(b"correct horse", &salt).unwrap();
        assert_eq!(ours, theirs.to_string());
        assert!(ours.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{ours}");
        let parsed = PasswordHash::new(&ours).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(matches(b"correct horse", &theirs.to_string(), &mut memory));
    }

    #[test]
    fn other_parameters_and_damaged_strings_are_read_too() {
        let mut memory = Memory::default();
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(64, 1, 1, Some(16)).unwrap(),
        );
        let phc: PasswordHash = weak.hash_password_with_salt(b"x", &[1; SALT]).unwrap();
        assert!(matches(b"x", &phc.to_string(), &mut memory));
        assert!(!matches(b"y", &phc.to_string(), &mut memory));
        for damaged in ["", "x", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0", "$5$a$b"] {
            assert!(!matches(b"x", damaged, &mut memory), "{damaged}");
        }
    }
}
