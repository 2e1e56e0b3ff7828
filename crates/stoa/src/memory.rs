//! What others get to see of this process's memory, which holds keys and messages: nothing.
//!
//! A core dump is a copy of it in a file, or in the hands of a program that collects dumps. Two things
//! prevent it: no such file may be larger than nothing, and the process is not *dumpable* (Linux), which
//! also holds where the kernel hands dumps to a program, and keeps other processes of the same user from
//! reading the memory, the environment and the open files (ptrace(2), proc_pid(5)). Root still can.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What can be seen of the memory by whom it does not concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    /// A core dump is written when the process crashes.
    pub core_dumps: bool,
    /// Other processes of the same user may read the memory. Never where the system knows no such
    /// mark: there it has rules of its own.
    pub dumpable: bool,
}

/// Keeps the memory to this process from now on; also for the programs that it starts, as far as they
/// would write core dumps.
///
/// # Errors
/// When the system refuses it.
pub fn keep_private() -> io::Result<()> {
    // The hard limit too, so that nothing in this process can raise it again.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// How it is.
///
/// # Errors
/// When the system does not tell.
pub fn exposure() -> io::Result<Exposure> {
    #[cfg(target_os = "linux")]
    let dumpable = {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        dumpable_behavior()? != DumpableBehavior::NotDumpable
    };
    #[cfg(not(target_os = "linux"))]
    let dumpable = false;
    Ok(Exposure { core_dumps: getrlimit(Resource::Core).current != Some(0), dumpable })
}
