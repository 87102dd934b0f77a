//! The project's own commands, reached through the aliases in `.cargo/config.toml`:
//! `cargo verify` proves that everything works, `cargo demo` shows it.

mod demo;
mod failure;
mod paths;
mod programs;
mod run;
mod steps;
mod tools;
mod verify;
mod web;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::paths::Paths;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check everything: formatting, lints, licences, tests, end to end in a real browser
    Verify(verify::Arguments),
    /// Build and start the demo: a page behind the gateway, a provider, an API, an attack lab
    #[command(override_usage = "cargo demo -- [OPTIONS]")]
    Demo(demo::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(without_separator(std::env::args().collect()));
    let result = Paths::find().and_then(|paths| match arguments.command {
        Command::Verify(arguments) => verify::verify(&paths, &arguments),
        Command::Demo(options) => demo::demo(&paths, &options),
    });
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// `cargo verify -- --list` arrives as `xtask verify -- --list`, as the alias has its own `--` already:
/// the first one after the command is for cargo's habit alone.
fn without_separator(mut arguments: Vec<String>) -> Vec<String> {
    if arguments.get(2).is_some_and(|argument| argument == "--") {
        arguments.remove(2);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Arguments, Command, without_separator};

    fn parse(words: &[&str]) -> Arguments {
        Arguments::parse_from(without_separator(words.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn demo_understands_its_options_with_and_without_separator() {
        for words in
            [&["xtask", "demo", "--", "--port", "9000"][..], &["xtask", "demo", "--port", "9000"]]
        {
            let Command::Demo(options) = parse(words).command else { panic!("not demo") };
            assert_eq!((options.port, options.no_open), (9000, false));
        }
    }

    #[test]
    fn demo_refuses_an_option_that_it_does_not_know() {
        assert!(Arguments::try_parse_from(["xtask", "demo", "--prot", "9000"]).is_err());
    }

    #[test]
    fn verify_understands_its_options_after_a_separator() {
        let Command::Verify(arguments) = parse(&["xtask", "verify", "--", "--only", "fmt"]).command
        else {
            panic!("not verify")
        };
        assert_eq!(arguments.only, ["fmt"]);
    }
}
