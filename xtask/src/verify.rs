//! `cargo verify`: runs the steps, shows the progress, sums up.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::failure::{Failure, While};
use crate::paths::Paths;
use crate::run::Log;
use crate::steps::{Outcome, STEPS, Step};

/// What `cargo verify` can be told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// List the steps and end
    #[arg(long)]
    pub(crate) list: bool,
    /// Run this step alone, without those that it builds on; may be given several times
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Vec<String>,
}

/// Runs the steps; fails if one of them failed.
pub(crate) fn verify(paths: &Paths, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.list {
        for step in STEPS {
            println!("{:<12}{}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let steps = chosen(&arguments.only)?;
    let logs = paths.logs();
    std::fs::create_dir_all(&logs).cannot(format_args!("create {}", logs.display()))?;

    let mut reports: Vec<Report> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("[{:>2}/{}] {}: {}", index + 1, steps.len(), step.name, step.about);
        let report = run(paths, step, &reports)?;
        println!("        {}, {}", report.end, seconds(report.time));
        reports.push(report);
    }
    Ok(sum_up(paths, &reports))
}

/// The steps with these names, in the order of the whole; all without names.
fn chosen(only: &[String]) -> Result<Vec<&'static Step>, Failure> {
    let known: HashSet<&str> = STEPS.iter().map(|step| step.name).collect();
    if let Some(unknown) = only.iter().find(|name| !known.contains(name.as_str())) {
        let names = STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", ");
        return Err(Failure::new(format!("no step is named `{unknown}`; there are: {names}")));
    }
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

/// How a step ended, and how long it took.
struct Report {
    name: &'static str,
    end: End,
    time: Duration,
}

enum End {
    Passed,
    Failed(String),
    Skipped(String),
    /// Not begun, as what it builds on failed.
    Pointless(&'static str),
}

impl End {
    /// Whether steps that build on this one should rather not begin.
    fn stops_others(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Pointless(_))
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed => formatter.write_str("ok"),
            Self::Failed(why) => write!(formatter, "FAILED: {why}"),
            Self::Skipped(why) => write!(formatter, "skipped: {why}"),
            Self::Pointless(needed) => write!(formatter, "skipped: builds on {needed}"),
        }
    }
}

fn run(paths: &Paths, step: &Step, before: &[Report]) -> Result<Report, Failure> {
    let started = Instant::now();
    let failed =
        before.iter().find(|other| step.needs.contains(&other.name) && other.end.stops_others());
    let end = if let Some(needed) = failed {
        End::Pointless(needed.name)
    } else {
        let mut log = Log::create(paths.logs().join(format!("{}.log", step.name)))?;
        match (step.work)(paths, &mut log) {
            Ok(Outcome::Passed) => End::Passed,
            Ok(Outcome::Skipped(why)) => End::Skipped(why),
            Err(failure) => {
                println!("{}", log.text().trim_end());
                println!("        (this is {})", log.path().display());
                End::Failed(failure.to_string())
            }
        }
    };
    Ok(Report { name: step.name, end, time: started.elapsed() })
}

fn sum_up(paths: &Paths, reports: &[Report]) -> ExitCode {
    println!("\n{:<12}{:>10}  result", "step", "time");
    for report in reports {
        println!("{:<12}{:>10}  {}", report.name, seconds(report.time), report.end);
    }
    let total = reports.iter().map(|report| report.time).sum();
    println!(
        "{:<12}{:>10}  what each step printed: {}",
        "all",
        seconds(total),
        paths.logs().display()
    );

    let count = |wanted: fn(&End) -> bool| reports.iter().filter(|r| wanted(&r.end)).count();
    let passed = count(|end| matches!(end, End::Passed));
    let failed = count(|end| matches!(end, End::Failed(_)));
    let skipped = reports.len() - passed - failed;
    let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
    println!("\n{passed} passed, {failed} failed{skipped}");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{End, STEPS, chosen};

    #[test]
    fn every_need_names_an_earlier_step() {
        for (index, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(STEPS[..index].iter().any(|other| other.name == *need), "{need}");
            }
        }
    }

    #[test]
    fn chosen_steps_keep_the_order_of_the_whole() {
        let names: Vec<_> = chosen(&["test".into(), "fmt".into()])
            .expect("both are steps")
            .iter()
            .map(|step| step.name)
            .collect();
        assert_eq!(names, ["fmt", "test"]);
        assert_eq!(chosen(&[]).expect("all").len(), STEPS.len());
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_known_ones() {
        let failure = chosen(&["fmtt".into()]).err().expect("no such step").to_string();
        assert!(failure.contains("`fmtt`") && failure.contains("clippy"), "{failure}");
    }

    #[test]
    fn a_reasoned_skip_stops_no_other_step() {
        assert!(!End::Skipped("offline".into()).stops_others());
        assert!(End::Pointless("build").stops_others());
    }
}
