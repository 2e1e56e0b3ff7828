//! Access tokens 007 and 006: build, parse, verify. No IO.
