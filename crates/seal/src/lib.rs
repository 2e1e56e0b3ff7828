//! AES-256-GCM sealing, key derivation and blinded identifiers. No IO.
