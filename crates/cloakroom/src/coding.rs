//! Content codings of answers that must be read here (RFC 9110 §8.4), bounded against bombs.

#[cfg(test)]
mod tests;

use std::io::Read;

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header::CONTENT_ENCODING};

/// Brotli's working buffer.
const BUFFER: usize = 4096;

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodingError {
    #[error("its content coding is none of gzip, deflate and br")]
    Unknown,
    #[error("it does not decompress")]
    Broken,
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
}

/// The body without its content coding, where that is at most `limit` bytes.
pub(crate) fn decode(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, CodingError> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match (codings.next(), codings.next()) {
        (None, _) => "identity".to_owned(),
        (Some(one), None) => one.to_str().unwrap_or_default().trim().to_ascii_lowercase(),
        (Some(_), Some(_)) => return Err(CodingError::Unknown),
    };
    match coding.as_str() {
        "identity" | "" if body.len() <= limit => Ok(body),
        "identity" | "" => Err(CodingError::TooLong(limit)),
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(&body[..]), limit),
        "br" => read(Decompressor::new(&body[..], BUFFER), limit),
        // The name means zlib's format; some servers send the bare stream.
        "deflate" => match read(ZlibDecoder::new(&body[..]), limit) {
            Err(CodingError::Broken) => read(DeflateDecoder::new(&body[..]), limit),
            read => read,
        },
        _ => Err(CodingError::Unknown),
    }
}

fn read(decoder: impl Read, limit: usize) -> Result<Bytes, CodingError> {
    let mut out = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(most).read_to_end(&mut out).map_err(|_| CodingError::Broken)?;
    if out.len() > limit { Err(CodingError::TooLong(limit)) } else { Ok(out.into()) }
}
