//! Derivation of the key that seals the vault's table.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::{KeyMaterial, RootKey};

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KeyMaterial::LEN
    }
}

/// The key for the purpose `label` that takes both the root key and the erasable secret to derive
/// (HKDF-SHA-256 over root ‖ erasable). Without either, nothing about it can be computed.
pub fn derive(root: &RootKey, erasable: &KeyMaterial, label: &str) -> KeyMaterial {
    let mut input = Zeroizing::new([0; 2 * KeyMaterial::LEN]);
    input[..KeyMaterial::LEN].copy_from_slice(root.expose());
    input[KeyMaterial::LEN..].copy_from_slice(erasable.expose());
    expand(&*input, label)
}

pub(crate) fn expand(input: &[u8], label: &str) -> KeyMaterial {
    let extracted = Salt::new(HKDF_SHA256, b"stoa key derivation 1").extract(input);
    KeyMaterial::filled_by(|key| {
        extracted
            .expand(&[label.as_bytes()], Length)
            .and_then(|output| output.fill(key))
            .expect("32 bytes are within what HKDF-SHA-256 can expand to");
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoa_core::SeededEntropy;

    #[test]
    fn root_secret_and_label_all_matter() {
        let entropy = SeededEntropy::new(1);
        let roots = [RootKey::random(&entropy), RootKey::random(&entropy)];
        let secrets = [KeyMaterial::random(&entropy), KeyMaterial::random(&entropy)];
        let key = |r: usize, s: usize, label| *derive(&roots[r], &secrets[s], label).expose();
        assert_eq!(key(0, 0, "table"), key(0, 0, "table"));
        assert_ne!(key(0, 0, "table"), key(1, 0, "table"));
        assert_ne!(key(0, 0, "table"), key(0, 1, "table"));
        assert_ne!(key(0, 0, "table"), key(0, 0, "other"));
    }
}
