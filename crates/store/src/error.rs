//! Why a store did not do what it was asked.

use std::{error::Error, fmt, sync::Arc};

/// A store's failure: names the store and what its operator can do; never what was in a record.
///
/// The technical cause is its [`source`](Error::source).
#[derive(Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    store: Arc<str>,
    advice: &'static str,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What a caller can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The id of a new record names one already; a mistake of ours, or a broken random generator.
    IdInUse,
    /// The store does not work now; it may later. Nobody is logged out for it.
    Unavailable,
    /// What the store holds cannot be read as it should.
    Damaged,
}

impl StoreError {
    /// A failure of `store`, for instance `"embedded store data/sessions.redb"`; `advice` completes
    /// the sentence for its operator.
    pub fn new(kind: StoreErrorKind, store: impl Into<Arc<str>>, advice: &'static str) -> Self {
        Self { kind, store: store.into(), advice, source: None }
    }

    /// The same failure with its technical cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What happened, for a caller to decide by.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            StoreErrorKind::IdInUse => "has a record under this id already",
            StoreErrorKind::Unavailable => "does not work now",
            StoreErrorKind::Damaged => "holds damaged content",
        };
        write!(f, "the {} {what}: {}", self.store, self.advice)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.kind)
            .field("store", &self.store)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
