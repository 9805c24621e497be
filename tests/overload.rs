//! Under load it stays up: past every limit there is a 503, past a client's share of it a 429, and slow
//! clients are let go.

mod limits;
mod readers;
mod shares;
mod slow;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::{TestApp, within};

/// A bare connection to the host.
async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.url.trim_start_matches("http://"))
        .await
        .unwrap()
}

/// Everything the host sends until it closes the connection.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end too: what came before it counts.
    let _ = within(stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}
