//! Services that answer below HTTP: bytes as they are, or without an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::Reply;

/// The URL of a service that answers every request with these bytes, then closes the connection.
pub async fn raw(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    serve(move |mut stream| {
        let answer = answer.clone();
        async move {
            // The host may hang up first.
            let _ = stream.write_all(&answer).await;
        }
    })
    .await
}

/// The URL of a service whose answer begins with `head` and goes on with `chunk` for ever.
pub async fn endless(head: impl Into<Vec<u8>>, chunk: impl Into<Vec<u8>>) -> String {
    let (head, chunk) = (head.into(), chunk.into());
    serve(move |mut stream| {
        let (head, chunk) = (head.clone(), chunk.clone());
        async move {
            let mut sent = stream.write_all(&head).await;
            while sent.is_ok() {
                sent = stream.write_all(&chunk).await;
            }
        }
    })
    .await
}

/// The URL of a service that begins to answer and never goes on.
pub async fn stalling(head: impl Into<Vec<u8>>) -> String {
    let head = head.into();
    serve(move |mut stream| {
        let head = head.clone();
        async move {
            stream.write_all(&head).await.unwrap();
            // Until the other side has had enough.
            while stream.read(&mut [0]).await.is_ok_and(|read| read > 0) {}
        }
    })
    .await
}

/// The URL of a service that closes every connection as soon as it is there.
pub async fn hangs_up() -> String {
    let (url, listener) = listener().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream)
        }
    });
    url
}

/// A service that answers the first request of a connection, and closes it at the second.
pub struct Once {
    pub url: String,
    answered: Arc<AtomicUsize>,
    cut: Arc<AtomicUsize>,
}

impl Once {
    pub async fn answering(reply: &Reply) -> Self {
        let (url, listener) = listener().await;
        let (answered, cut) = (Arc::default(), Arc::default());
        let once = Self {
            url,
            answered: Arc::clone(&answered),
            cut: Arc::clone(&cut),
        };
        let reply = reply.to_bytes();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answered, cut) = (Arc::clone(&answered), Arc::clone(&cut));
                let reply = reply.clone();
                tokio::spawn(async move {
                    if read_request(&mut stream).await && stream.write_all(&reply).await.is_ok() {
                        answered.fetch_add(1, Ordering::SeqCst);
                        if stream.read(&mut [0]).await.is_ok_and(|read| read > 0) {
                            cut.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        once
    }

    /// Requests that it answered.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Requests that it cut off.
    pub fn cut(&self) -> usize {
        self.cut.load(Ordering::SeqCst)
    }
}

/// A port whose queue of connections is full: the system drops whoever tries to connect.
pub struct Full {
    pub url: String,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Full {
    pub async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        let second = Duration::from_secs(1);
        while let Ok(stream) = tokio::time::timeout(second, TcpStream::connect(address)).await {
            queue.push(stream.unwrap());
        }
        Self {
            url: format!("http://{address}"),
            _listener: listener,
            _queue: queue,
        }
    }
}

async fn listener() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (
        format!("http://{}", listener.local_addr().unwrap()),
        listener,
    )
}

async fn serve<F>(answer: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let (url, listener) = listener().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if read_request(&mut stream).await {
                tokio::spawn(answer(stream));
            }
        }
    });
    url
}

/// Reads a request to its end, as closing before that would reset the connection; whether there
/// was one.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !is_complete(&seen) {
        if !matches!(stream.read_buf(&mut seen).await, Ok(read) if read > 0) {
            return false;
        }
    }
    true
}

fn is_complete(request: &[u8]) -> bool {
    let request = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
