//! Text that must not be printed, logged or left in memory.

use std::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A secret text (a password, a certificate, a token): zeroed on drop, and `Debug` says only that it
/// is set.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn same_secret(a: &str, b: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a.as_bytes(), b.as_bytes()).is_ok()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[set]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_wiped_when_it_is_dropped_and_never_shown() {
        fn wiped<T: ZeroizeOnDrop>(_: &T) {}
        let secret = Secret::new("s3cret");
        wiped(&secret);
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[set] Some([set])");
        assert_eq!(secret.expose(), "s3cret");
    }

    #[test]
    fn only_the_same_is_the_same() {
        assert!(same_secret("s3cret", "s3cret"));
        assert!(!same_secret("s3cret", "s3creT") && !same_secret("s3cret", "s3cre"));
    }
}
