//! Unguessable names.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// 256 random bits in base64url.
pub(crate) fn token() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}
