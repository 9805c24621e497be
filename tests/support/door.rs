//! An address that stays the same while the service behind it comes and goes.

use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::{Reply, Request, Stub};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// An address where connections are refused while no service is open.
pub struct Door {
    address: SocketAddr,
    /// Bound and never listening: nobody else gets the port.
    _kept: Socket,
    open: Option<Runtime>,
}

impl Door {
    pub fn closed() -> Self {
        let kept = bound("127.0.0.1:0".parse().unwrap());
        Self {
            address: kept.local_addr().unwrap().as_socket().unwrap(),
            _kept: kept,
            open: None,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Opens a service. It lives on threads of its own, so that closing it cuts every connection.
    pub async fn open(&mut self, answer: impl FnMut(&Request) -> Reply + Send + 'static) -> Stub {
        let socket = bound(self.address);
        socket.listen(BACKLOG).unwrap();
        socket.set_nonblocking(true).unwrap();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let stub = runtime
            .spawn(async move { Stub::on(TcpListener::from_std(socket.into()).unwrap(), answer) });
        let stub = stub.await.unwrap();
        self.open = Some(runtime);
        stub
    }

    /// Ends the service, as a kill would.
    pub fn close(&mut self) {
        if let Some(runtime) = self.open.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}

fn bound(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}
