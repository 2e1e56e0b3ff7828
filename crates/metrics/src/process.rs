//! The process itself. The names without `stoa_` are those that every program uses.

use crate::define::group;
use crate::{Counter, Gauge, Info};

group! {
    /// The server's version.
    BUILD: Info = Info::new("version", env!("CARGO_PKG_VERSION")), "stoa_build", none,
        "Servers that should be alike differ.";
    /// 1 while the server ends and takes no new connections.
    DRAINING: Gauge = Gauge::new(), "stoa_draining", none, "Nobody told it to.";
    /// The server's clock, in seconds since 1970.
    CLOCK: Gauge = Gauge::new(), "stoa_clock_seconds", millis,
        "It differs from the collector's by more than some seconds: tokens are judged by it.";
    /// Apps on this server.
    APPS: Gauge = Gauge::new(), "stoa_apps", none, "It is 0: nobody can log in.";
    /// When the process started, in seconds since 1970.
    STARTED: Gauge = Gauge::new(), "process_start_time_seconds", millis,
        "It changes without anybody having restarted the server.";
    /// Processor time that the process used, in user and system mode.
    CPU: Counter = Counter::new(), "process_cpu_seconds", ticks,
        "It rises by nearly as many seconds a second as there are cores.";
    /// Memory that is resident.
    RESIDENT: Gauge = Gauge::new(), "process_resident_memory_bytes", bytes,
        "It grows without an end while `stoa_sessions_open` does not.";
    /// Memory that is mapped.
    VIRTUAL: Gauge = Gauge::new(), "process_virtual_memory_bytes", bytes, "Never by itself.";
    /// Files that are open, sockets included.
    FILES: Gauge = Gauge::new(), "process_open_fds", none,
        "It comes near `process_max_fds`.";
    /// Files that may be open.
    FILES_MAX: Gauge = Gauge::new(), "process_max_fds", none,
        "It is lower than the connections that are expected.";
    /// Threads of the process.
    THREADS: Gauge = Gauge::new(), "process_threads", none, "It grows without an end.";
}
