//! What verifying a token costs, in CPU time: the aim is 2 µs, required are 5.

mod cpu_time;

use std::hint::black_box;

use cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
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

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = verification
}
criterion_main!(benches);
