//! The real binary: started, asked, ended, killed and started again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in helpers too")]

mod audit;
mod backup;
mod canary;
mod certificate;
mod checklist;
mod class_callback;
mod class_guide;
mod class_receipt;
mod class_regions;
mod class_stream;
mod command_line;
mod control;
mod crash;
mod crash_points;
mod demo;
mod demo_page;
mod doctor;
mod documents;
mod drain;
mod egress;
mod fixture;
#[path = "../../../geo/tests/it/writer.rs"]
mod geo_writer;
mod geofence;
mod https;
mod identity;
#[cfg(target_os = "linux")]
mod kills;
mod limits;
mod logs;
mod memory;
mod metrics;
mod msync;
mod person;
mod regions;
mod residency;
mod retention;
mod root_key;
mod server;
mod system_calls;
mod token_server;
