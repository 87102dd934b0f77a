//! `cargo demo`: builds the page and the programs, then becomes the demo.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::failure::{Failure, While};
use crate::paths::Paths;
use crate::run::{attached, cargo};
use crate::{tools, web};

/// How many steps stand before the start.
const STEPS: usize = 3;

/// Builds everything, then runs the demo with the person's own arguments.
pub(crate) fn demo(paths: &Paths, arguments: &[String]) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    tools::node()?;
    let page = paths.demo_web();

    progress(1, "the page's dependencies (npm ci)");
    if let Some(mut command) = web::install(&page) {
        attached(&mut command)?;
    }
    progress(2, "the page (vite build)");
    attached(&mut web::build(&page))?;
    progress(3, "the gateway and the demo (cargo build)");
    let programs = ["build", "--package", "cloakroom-gateway", "--package", "cloakroom-demo"];
    attached(cargo(&paths.root).args(programs))?;
    eprintln!("built in {:.0} s, starting", started.elapsed().as_secs_f64());

    become_program(
        Command::new(paths.demo())
            .arg("--gateway")
            .arg(paths.gateway())
            .arg("--site")
            .arg(paths.demo_site())
            .args(arguments),
    )
}

fn progress(step: usize, about: &str) {
    eprintln!("[{step}/{STEPS}] {about}");
}

/// Puts the program in this one's place: signals, Ctrl-C and the exit code are then its own.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<ExitCode, Failure> {
    use std::os::unix::process::CommandExt;

    Err(command.exec()).cannot(format_args!("start {}", command.get_program().to_string_lossy()))
}

/// Waits for the program; the console hands Ctrl-C to both.
#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<ExitCode, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().cannot(format_args!("start {program}"))?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
