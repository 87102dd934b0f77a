//! The binary `cloakroom`.

use std::process::ExitCode;

fn main() -> ExitCode {
    cloakroom_gateway::cli::main(std::env::args_os())
}
