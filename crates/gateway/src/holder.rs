//! As whom this process holds leases, noted in the data folder: the next process says of it that it is dead,
//! so that the other gateways need not wait for what a crashed one held.
//!
//! The note is believed only where the lock on it proves something: it was written by a process that had
//! locked this very file under this very kernel. A folder that was copied while its gateway ran, or a volume
//! that another machine took over, proves nothing; then the leases run out, within a minute.

#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cloakroom_core::{random::Random, session::Holder};

/// Longer than any note.
const MOST: u64 = 1024;

/// As whom this process holds leases, for as long as it runs.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) holder: Holder,
    /// Who held leases from this folder before, and is dead.
    pub(crate) predecessor: Option<Holder>,
    /// Locked until the process ends, however it ends.
    _note: Option<File>,
}

/// A new holder, noted in the data folder as far as that can be.
pub(crate) fn take(dir: &Path, random: &dyn Random) -> Held {
    let holder = Holder::generate(random);
    let path = dir.join("holder");
    let noted = open(&path).and_then(|mut note| {
        let predecessor = exchange(&mut note, holder)?;
        Ok((note, predecessor))
    });
    match noted {
        Ok((note, predecessor)) => Held { holder, predecessor, _note: Some(note) },
        Err(error) => {
            tracing::warn!(
                path = %path.display(),
                %error,
                "after a crash of this gateway, the others wait for its refreshes up to a minute"
            );
            Held { holder, predecessor: None, _note: None }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let note = options.open(path)?;
    match note.try_lock() {
        Ok(()) => Ok(note),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "another gateway uses this data folder; give each its own `session.data_dir`",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Writes `holder` in the place of who was noted before.
///
/// In place: under another file a lock on this one would prove nothing. A note that is half written is none.
fn exchange(note: &mut File, holder: Holder) -> io::Result<Option<Holder>> {
    let place = place(note)?;
    let mut before = String::new();
    // What is no text is no note.
    let _ = (&mut *note).take(MOST).read_to_string(&mut before);
    note.set_len(0)?;
    note.rewind()?;
    let name = URL_SAFE_NO_PAD.encode(holder.as_bytes());
    note.write_all(format!("cloakroom-holder-v1 {name} {place}\n").as_bytes())?;
    note.sync_all()?;
    Ok(read(&before, &place))
}

fn read(note: &str, place: &str) -> Option<Holder> {
    let rest = note.strip_prefix("cloakroom-holder-v1 ")?.strip_suffix('\n')?;
    let (name, noted_at) = rest.split_once(' ')?;
    let bytes = URL_SAFE_NO_PAD.decode(name).ok()?.try_into().ok()?;
    (noted_at == place).then_some(Holder::from_bytes(bytes))
}

/// Which file it is, and under which start of the kernel.
#[cfg(target_os = "linux")]
fn place(note: &File) -> io::Result<String> {
    use std::os::unix::fs::MetadataExt;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let metadata = note.metadata()?;
    Ok(format!("{} {} {}", boot.trim(), metadata.dev(), metadata.ino()))
}

#[cfg(not(target_os = "linux"))]
fn place(_: &File) -> io::Result<String> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system does not say when it was started"))
}
