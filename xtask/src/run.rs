//! Running other programs: into a step's log with a sign of life on the terminal, or with the terminal itself.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, While};

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(100);
/// How often a terminal's progress line is painted anew.
const REPAINT: Duration = Duration::from_secs(1);
/// How often a log without a terminal (CI) is told that a step still runs.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How much of a program's last line the progress shows.
const TAIL_CHARACTERS: usize = 60;

/// Cargo, the one that started this program, without the variables that it sets for this crate alone.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a program on the terminal.
pub(crate) fn attached(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().cannot(format_args!("start `{}`", shown(command)))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`{}` ended with {status}", shown(command))))
}

/// The standard output of a program that ends with success; `None` where it fails or does not exist.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What one step prints, in a file.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Starts an empty log.
    pub(crate) fn create(path: PathBuf) -> Result<Self, Failure> {
        let file = File::create(&path).cannot(format_args!("write {}", path.display()))?;
        Ok(Self { path, file })
    }

    /// Where it is written.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All that was printed so far.
    pub(crate) fn text(&self) -> String {
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Adds a line of our own.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        writeln!(self.file, "{}", text.as_ref())
            .cannot(format_args!("write {}", self.path.display()))
    }

    /// Runs a program with its output in this log; fails if it fails.
    pub(crate) fn run(&mut self, command: &mut Command) -> Result<(), Failure> {
        self.line(format!("$ {}", shown(command)))?;
        let (out, err) = (self.file.try_clone(), self.file.try_clone());
        let out = out.cannot(format_args!("write {}", self.path.display()))?;
        let err = err.cannot(format_args!("write {}", self.path.display()))?;
        let mut child = command
            .envs([("NO_COLOR", "1"), ("CARGO_TERM_COLOR", "never")])
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .cannot(format_args!("start `{}`", shown(command)))?;
        let mut life = SignOfLife::new();
        let status = loop {
            if let Some(status) = child.try_wait().cannot("wait for a program")? {
                break status;
            }
            thread::sleep(POLL);
            life.show(self);
        };
        life.wipe();
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{}` ended with {status}", shown(command))))
    }
}

/// Tells a waiting person that a program still runs, and what it said last.
struct SignOfLife {
    started: Instant,
    shown: Instant,
    terminal: bool,
}

impl SignOfLife {
    fn new() -> Self {
        let now = Instant::now();
        Self { started: now, shown: now, terminal: std::io::stdout().is_terminal() }
    }

    fn show(&mut self, log: &Log) {
        let every = if self.terminal { REPAINT } else { HEARTBEAT };
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        let text = log.text();
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let last: String = last.chars().filter(|c| !c.is_control()).take(TAIL_CHARACTERS).collect();
        let seconds = self.started.elapsed().as_secs();
        if self.terminal {
            print!("\r\x1b[K        {seconds} s  {last}");
            flush();
        } else {
            println!("        still running after {seconds} s: {last}");
        }
    }

    fn wipe(&self) {
        if self.terminal {
            print!("\r\x1b[K");
            flush();
        }
    }
}

fn flush() {
    // A terminal that went away is no reason to fail a check.
    let _ = std::io::stdout().flush();
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
