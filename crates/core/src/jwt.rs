//! Strict verification of JWTs (R51–R59).
