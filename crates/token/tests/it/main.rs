//! Tests of the public interface.

mod authorise;
mod chat;
mod format006;
mod official;
mod properties;
mod vectors;

use stoa_token::Builder007;
use stoa_token::fuzzing::{APP_ID, CERTIFICATE, NOW as ISSUED};

/// Of the same app. Made up.
const OTHER_CERTIFICATE: &str = "45c48cce2e2d7fbdea1afc51c7c6ad26";
/// [`ISSUED`] as the clock has it.
const NOW: u64 = ISSUED as u64;

/// The start of a token that lives for an hour.
fn builder() -> Builder007<'static> {
    Builder007::new(APP_ID, CERTIFICATE, ISSUED, 3600, 99)
}
