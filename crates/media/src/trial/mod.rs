//! The rooms with clients, a network and a clock that are all made here: nothing waits, and a seed repeats a run exactly.

mod client;
mod decoder;
mod driver;
mod faults;
mod forwarding;
mod rights;
mod rsa;
mod world;
