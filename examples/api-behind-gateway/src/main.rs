//! Runs the API on `LISTEN`, by default `127.0.0.1:3000`.

use std::{env, error::Error};

use example_api_behind_gateway::{Settings, api};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let api = api(Settings::from_environment()?)?;
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, api).await?)
}
