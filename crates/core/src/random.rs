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
