//! Cookies, byte for byte (R19–R27).
