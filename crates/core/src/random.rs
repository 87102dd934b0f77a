//! Randomness as an argument, so that tests can fix it.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// A source of bytes that nobody can guess.
pub trait Random: Send + Sync {
    /// Fills `into` with unpredictable bytes.
    ///
    /// # Panics
    /// When the operating system gives no randomness: going on would be worse.
    fn fill(&self, into: &mut [u8]);
}

/// The operating system's generator, by way of aws-lc-rs.
#[derive(Debug, Default)]
pub struct OsRandom(SystemRandom);

impl Random for OsRandom {
    fn fill(&self, into: &mut [u8]) {
        self.0.fill(into).expect("the operating system gives no random bytes");
    }
}

/// `N` fresh random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}

/// The same bytes in every run, and never the same twice in one.
#[cfg(test)]
pub(crate) struct Counted(std::sync::atomic::AtomicU64);

#[cfg(test)]
impl Counted {
    pub(crate) fn from(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(seed))
    }
}

#[cfg(test)]
impl Random for Counted {
    fn fill(&self, into: &mut [u8]) {
        for chunk in into.chunks_mut(32) {
            let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &count.to_be_bytes());
            chunk.copy_from_slice(&hash.as_ref()[..chunk.len()]);
        }
    }
}
