//! The vault from outside, on the simulated and on the real file system.

mod basics;
mod support;
