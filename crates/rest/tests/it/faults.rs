//! A store that fails: an answer that says so and no more, and one line in the log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::{Value, json};
use stoa_core::{AuthPolicy, SeededEntropy};
use stoa_store::engine::{Faults, Memory};
use tracing_subscriber::fmt::MakeWriter;

use crate::lab::{Answer, Lab};

fn lab(faults: Faults) -> Lab {
    let entropy = Arc::new(SeededEntropy::new(9));
    Lab::over(faults.over(Arc::new(Memory::new()), entropy), AuthPolicy::Token)
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Registers a user and gives back the answer and the lines of the log about it.
async fn register(lab: &Lab) -> (Answer, Vec<String>) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::ERROR)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let answer = {
        let _logging = tracing::subscriber::set_default(subscriber);
        let body = json!({"username": "alice-is-secret", "nickname": "al-is-secret"});
        lab.admin(Method::POST, "/users?token=is-secret", body).await
    };
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (answer, text.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_store_that_refuses_is_told_as_busy_and_logged_once() {
    for faults in [
        Faults { before_commit: 1000, ..Faults::default() },
        Faults { read: 1000, ..Faults::default() },
    ] {
        let (answer, log) = register(&lab(faults)).await;
        let text = "the server cannot do it at present, nothing was done; try again";
        assert_eq!(answer.refused(503), ("service_unavailable", text));
        assert_eq!(log.len(), 1, "{log:?}");
        let line = &log[0];
        assert!(line.contains("call failed") && line.contains("a fault on purpose"), "{line}");
        assert!(line.contains("/{org}/{app}/users") && !line.contains("is-secret"), "{line}");
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_told_as_such() {
    for faults in [
        Faults { after_commit: 1000, ..Faults::default() },
        Faults { lost_commit: 1000, ..Faults::default() },
    ] {
        let (answer, log) = register(&lab(faults)).await;
        let text = "it is not known whether this was done; look before you try again";
        assert_eq!(answer.refused(500), ("internal_error", text));
        // The audit log, which fails as the rest does, tells it too, when it has tried.
        let calls = log.iter().filter(|line| !line.contains("stoa_audit")).count();
        assert_eq!(calls, 1, "{log:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_a_fault() {
    let lab = Lab::new();
    lab.users(&["alice-is-secret"]).await;
    let (answer, log) = register(&lab).await;
    assert_eq!(answer.refused(400).0, "duplicate_unique_property_exists");
    assert!(log.is_empty(), "{log:?}");
    lab.admin(Method::GET, "/users", Value::Null).await.done();
}
