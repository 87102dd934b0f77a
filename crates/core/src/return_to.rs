//! Where a login leads back to (R46).
