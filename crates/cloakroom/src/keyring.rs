//! The keyring in use, which a rotation replaces in the middle of everything.

use std::sync::Arc;

use arc_swap::ArcSwap;
use cloakroom_core::key::Keyring;

/// The keyring in use; all clones are one. Ask for it where it is used and keep it over no `await`:
/// what was sealed a moment ago may need the ring of that moment.
#[derive(Clone)]
pub(crate) struct SharedKeyring(Arc<ArcSwap<Keyring>>);

impl SharedKeyring {
    pub(crate) fn new(keyring: Keyring) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keyring)))
    }

    pub(crate) fn get(&self) -> Arc<Keyring> {
        self.0.load_full()
    }

    /// Whether it is another one.
    pub(crate) fn replace(&self, keyring: Keyring) -> bool {
        let keyring = Arc::new(keyring);
        !self.0.swap(Arc::clone(&keyring)).is_same(&keyring)
    }
}
