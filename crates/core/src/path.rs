//! Paths in normal form (R62).
