//! HTTP/2 frame by frame (RFC 9113), for what no client would send.

use std::{io, time::Duration};

use cloakroom_testkit::Authority;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_rustls::client::TlsStream;

use crate::{tls::connect, world::World};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags, stream, payload: payload.to_vec() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).expect("a frame").to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// The error code of a RST_STREAM or GOAWAY.
    pub(crate) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().expect("four bytes"))
    }
}

/// A block of literal fields, neither indexed nor compressed (RFC 7541 §6.2.2).
pub(crate) fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    fn text(bytes: &[u8], out: &mut Vec<u8>) {
        // A prefix of seven bits, then seven bits in each byte (RFC 7541 §5.1).
        match u8::try_from(bytes.len()).ok().filter(|length| *length < 127) {
            Some(length) => out.push(length),
            None => {
                out.push(127);
                let mut rest = bytes.len() - 127;
                while rest >= 128 {
                    out.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                out.push(rest as u8);
            }
        }
        out.extend(bytes);
    }
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        text(name, &mut out);
        text(value, &mut out);
    }
    out
}

/// A connection with both prefaces exchanged.
pub(crate) struct Wire {
    stream: TlsStream<TcpStream>,
    pub(crate) settings: Vec<(u16, u32)>,
}

impl Wire {
    pub(crate) async fn open(world: &World, authority: &Authority) -> Self {
        let stream = connect(world, authority, &[b"h2"]).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut wire = Self { stream, settings: Vec::new() };
        let hello = [PREFACE, &Frame::new(SETTINGS, 0, 0, &[]).bytes()].concat();
        wire.stream.write_all(&hello).await.expect("an open connection");
        let settings = wire.next().await.expect("the server's settings");
        assert_eq!(settings.kind, SETTINGS);
        let pairs = settings.payload.chunks_exact(6).map(|pair| {
            let value = u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]);
            (u16::from_be_bytes([pair[0], pair[1]]), value)
        });
        wire.settings = pairs.collect();
        wire.send(&[Frame::new(SETTINGS, ACK, 0, &[])]).await.expect("an open connection");
        wire
    }

    /// All in one write.
    pub(crate) async fn send(&mut self, frames: &[Frame]) -> io::Result<()> {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::bytes).collect();
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    /// A request whose head is all there is.
    pub(crate) async fn get(&mut self, stream: u32, fields: &[(&[u8], &[u8])]) {
        let head = Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, &block(fields));
        self.send(&[head]).await.expect("an open connection");
    }

    async fn next(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).await?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Ok(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Frames until one of them pleases, or the server closes, or five seconds are over.
    pub(crate) async fn until(&mut self, pleases: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut frames = Vec::new();
        while let Ok(Ok(frame)) = timeout_at(deadline, self.next()).await {
            frames.push(frame);
            if frames.last().is_some_and(&pleases) {
                break;
            }
        }
        frames
    }

    /// How the stream ends: the bytes of its answer, or the code with which it or all was refused.
    pub(crate) async fn outcome(&mut self, stream: u32) -> Result<String, u32> {
        let ends = |frame: &Frame| {
            let over = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
            (frame.stream == stream && (over || frame.kind == RST_STREAM)) || frame.kind == GOAWAY
        };
        let frames = self.until(ends).await;
        let last = frames.last().expect("frames");
        if matches!(last.kind, RST_STREAM | GOAWAY) {
            return Err(last.code());
        }
        let data = frames.iter().filter(|frame| frame.kind == DATA && frame.stream == stream);
        let bytes: Vec<u8> = data.flat_map(|frame| frame.payload.clone()).collect();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
