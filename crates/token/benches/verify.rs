//! What verifying a token costs, in CPU time: the aim is 2 µs, required are 5.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};
use rustix::time::{ClockId, clock_gettime};
use stoa_token::fuzzing::{APP_ID, CERTIFICATE, NOW};
use stoa_token::{Builder007, Expectation, verify_chat};

/// A second certificate, as during a rotation.
const OTHER: &str = "ffeeddccbbaa99887766554433221100";

fn verification(c: &mut Criterion<CpuTime>) {
    let empty = || Builder007::new(APP_ID, CERTIFICATE, NOW, 3600, 0x1234_5678);
    let user = empty().chat_user("a-user-name-of-24-chars.").build().expect("it names a user");
    let room = empty().room_user("a-room", "a-pupil", 2).build().expect("it names a user");

    let mut group = c.benchmark_group("verify_chat");
    for (name, token, certificates) in [
        ("user", &user, &[CERTIFICATE][..]),
        ("user, two certificates", &user, &[OTHER, CERTIFICATE]),
        ("class room", &room, &[CERTIFICATE]),
    ] {
        group.bench_function(format!("{name}, {} characters", token.len()), |b| {
            b.iter(|| {
                verify_chat(black_box(token), &Expectation::new(NOW.into(), APP_ID, certificates))
            });
        });
    }
    let forged = user.replacen("eJ", "eK", 1);
    group.bench_function("refused", |b| {
        b.iter(|| {
            verify_chat(black_box(&forged), &Expectation::new(NOW.into(), APP_ID, &[CERTIFICATE]))
        });
    });
    group.finish();
}

/// The CPU time of the measuring thread, which other work on the machine does not add to.
struct CpuTime;

impl CpuTime {
    fn now() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::try_from(time).expect("a thread's CPU time is not negative")
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::now()
    }

    fn end(&self, start: Duration) -> Duration {
        Self::now() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        WallTime.add(a, b)
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = verification
}
criterion_main!(benches);
