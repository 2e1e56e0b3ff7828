//! `stoa-bench`: runs cases and prints what they say.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks here")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;
use serde_json::json;
use stoa_bench::args::Args;
use stoa_bench::cases::{self, Case};
use stoa_bench::plan::Plan;
use stoa_bench::report::{self, Measured};
use stoa_bench::stats::Spread;
use stoa_bench::{Error, machine};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        for case in cases::ALL {
            println!("{:<16} {}", case.name, case.about);
        }
        return ExitCode::SUCCESS;
    }
    let chosen = match args.cases() {
        Ok(chosen) => chosen,
        Err(wrong) => return fail(2, &wrong),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.threads.max(1))
        .enable_all()
        .build();
    let outcome = match runtime {
        // Servers live in the future: whatever ends it ends them.
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                outcome = measure(&args, &chosen) => outcome,
                () = interrupted() => Err("interrupted".to_owned()),
            }
        }),
        Err(error) => Err(format!("cannot start: {error}")),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => fail(4, &error),
    }
}

fn fail(code: u8, why: &str) -> ExitCode {
    eprintln!("stoa-bench: {why}");
    ExitCode::from(code)
}

async fn measure(args: &Args, chosen: &[&'static Case]) -> Result<ExitCode, String> {
    let plan = args.plan();
    let started = Instant::now();
    let (mut measured, mut failed) = (Vec::new(), Vec::new());
    let mut yardstick = Vec::new();
    let mut measure_machine = || -> Result<(), String> {
        yardstick.push(machine::yardstick().map_err(|error| error.to_string())?);
        Ok(())
    };
    measure_machine()?;
    for case in chosen {
        let mut of_case = Measured::new(case);
        for run in 1..=args.runs() {
            let begun = Instant::now();
            eprint!("{} {run}/{} … ", case.name, args.runs());
            match once(case, &plan).await {
                Ok(samples) => of_case.add(samples),
                Err(error) => {
                    eprintln!("{error}");
                    failed.push(case.name);
                    break;
                }
            }
            measure_machine()?;
            eprintln!("{:.1} s", begun.elapsed().as_secs_f64());
        }
        measured.push(of_case);
    }
    println!("{}", report::table(&measured));
    let yardstick = Spread::of(&yardstick).expect("it was measured at the start");
    let Spread { median, min, max } = yardstick;
    println!("yardstick of the machine: {median:.2} ({min:.2}–{max:.2}) µs CPU\n");
    eprintln!("{:.0} s in all", started.elapsed().as_secs_f64());
    if let Some(path) = &args.json {
        let about = json!({
            "machine": machine::describe(), "quick": args.quick, "runs": args.runs(),
            "yardstick_us": { "median": median, "min": min, "max": max },
        });
        let text = serde_json::to_string_pretty(&report::json(&measured, &about));
        let text = text.map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n")
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    if !failed.is_empty() {
        return Err(format!("not measured: {}", failed.join(", ")));
    }
    let missed = report::missed(&measured);
    for sentence in &missed {
        eprintln!("missed: {sentence}");
    }
    Ok(if args.gate && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn once(case: &Case, plan: &Plan) -> Result<Vec<report::Sample>, Error> {
    let limit = (case.deadline)(plan);
    let run = timeout(limit, (case.run)(plan)).await;
    run.unwrap_or(Err(Error::Deadline(limit.as_secs())))
}

/// Ctrl-C or SIGTERM.
async fn interrupted() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
