//! An HTTP/1.1 server on loopback that a test can cut off, and that ends when it is dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Listens on 127.0.0.1; port 0 takes any free one.
pub(crate) async fn listen(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// A response that is never sent: the connection closes without an answer.
pub(crate) fn cut() -> Response {
    let mut response = ().into_response();
    response.extensions_mut().insert(Cut);
    response
}

/// Marks the response of [`cut`].
#[derive(Clone)]
struct Cut;

/// A running server. Dropping it closes the port and every connection.
pub(crate) struct Server {
    down: watch::Sender<bool>,
    accept: JoinHandle<()>,
}

impl Server {
    /// Serves `app` on `listener`.
    pub(crate) fn start(listener: TcpListener, app: Router) -> Self {
        let (down, is_down) = watch::channel(false);
        let accept = tokio::spawn(accept(listener, app, is_down));
        Self { down, accept }
    }

    /// While `down`, every connection is closed without an answer, those that are open too.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.send_replace(down);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept(listener: TcpListener, app: Router, mut down: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if !*down.borrow() => {
                    connections.spawn(serve(stream, app.clone(), down.clone()));
                }
                Ok(_) => {}
                // Too many open files, for one: let others close theirs.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            changed = down.changed() => match changed {
                Ok(()) if *down.borrow_and_update() => connections.abort_all(),
                Ok(()) => {}
                Err(_) => return,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, app: Router, down: watch::Receiver<bool>) {
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = app.call(request);
        let down = down.clone();
        async move {
            let response = answer.await.map_err(io::Error::other)?;
            if *down.borrow() || response.extensions().get::<Cut>().is_some() {
                return Err(io::Error::other("cut by the script"));
            }
            Ok(response)
        }
    });
    // An error here is a client that went away or a scripted cut.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}
