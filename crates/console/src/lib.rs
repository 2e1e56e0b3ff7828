//! Apps, their settings and certificates.
