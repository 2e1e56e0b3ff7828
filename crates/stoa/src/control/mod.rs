//! The control socket: how a command reaches the server that has the data.
//!
//! A Unix socket at `run/control.sock` in the data directory. Whoever can connect to it can do
//! everything that an operator can, so three things stand before that: the directory `run` is the
//! owner's alone (mode 0700) before the socket is made, the socket itself has mode 0600, and the
//! kernel is asked who has connected: the server's own user or root ([`admits`]). The other way round
//! a command that sends a password looks at whose the directory and the server are.
//!
//! On it, a client writes a frame and reads a frame ([`protocol`]). Both say their version first, so
//! that a command of another version is told so and not something that makes no sense.

pub mod client;
mod place;
pub mod protocol;
mod server;

pub use client::{Client, Unreachable};
pub use place::{ControlSocket, path};

/// Whether the process of user `peer` may control a server of user `own`.
pub const fn admits(peer: u32, own: u32) -> bool {
    const ROOT: u32 = 0;
    peer == own || peer == ROOT
}

/// The user of this process.
fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::admits;

    #[test]
    fn only_the_own_user_and_root_may_control() {
        assert!(admits(1000, 1000) && admits(0, 1000) && admits(0, 0));
        assert!(!admits(1001, 1000), "another user");
        assert!(!admits(1000, 0), "root's server is root's");
    }
}
