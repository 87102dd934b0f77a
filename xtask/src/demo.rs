//! `cargo demo`: builds the page and the programs, then becomes the demo.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::{Command, ExitCode};
use std::time::Instant;

use clap::Args;

use crate::failure::{Failure, While};
use crate::paths::Paths;
use crate::run::{attached, cargo};
use crate::{tools, web};

/// How many steps stand before the start.
const STEPS: usize = 3;

/// The options of the demo's program that are a person's to choose, judged before anything is built.
#[derive(Args)]
pub(crate) struct Options {
    /// The port of the page
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,

    /// Serves the page by https, with a certificate of the demo's own
    #[arg(long)]
    pub(crate) https: bool,

    /// Does not open the browser
    #[arg(long)]
    pub(crate) no_open: bool,

    /// How long an access token lives; short, so that refreshes can be watched
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(2..)
    )]
    pub(crate) token_lifetime: u32,
}

/// Builds everything, then runs the demo.
pub(crate) fn demo(paths: &Paths, options: &Options) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    tools::node()?;
    free(options.port)?;
    if !paths.demo().exists() {
        eprintln!("first build: about four minutes");
    }
    progress(1, "the page's dependencies (npm ci)");
    if let Some(mut command) = web::install_page(&paths.root) {
        attached(command.args(["--loglevel", "error"]))?;
    }
    progress(2, "the page (npm run build)");
    attached(&mut web::build_packages(&paths.root))?;
    attached(&mut web::build(&paths.demo_web()))?;
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
            .args(["--port", &options.port.to_string()])
            .args(["--token-lifetime", &options.token_lifetime.to_string()])
            .args(options.https.then_some("--https"))
            .args(options.no_open.then_some("--no-open")),
    )
}

/// Fails where another program has the port, on either address that `localhost` may stand for.
fn free(port: u16) -> Result<(), Failure> {
    let addresses: [SocketAddr; 2] =
        [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
    for address in addresses {
        if let Err(error) = TcpListener::bind(address)
            && error.kind() == io::ErrorKind::AddrInUse
        {
            let next = port.checked_add(10).unwrap_or(8090);
            return Err(Failure::new(format!(
                "port {port} is taken by another program.\n\
                 Stop that program, or choose another port: cargo demo -- --port {next}"
            )));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::free;

    #[test]
    fn a_taken_port_is_told_with_another_to_choose() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = taken.local_addr().expect("its address").port();
        let failure = free(port).expect_err("the port is taken").to_string();
        assert!(failure.contains(&port.to_string()) && failure.contains("--port"), "{failure}");
    }
}
