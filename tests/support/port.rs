//! Ports that nobody else gets: a test that needs an address where nothing listens yet, or at all,
//! must not find another test's stub there.

use tokio::net::{TcpListener, TcpSocket};

/// A port where connections are refused until [`Port::listen`].
pub struct Port {
    socket: TcpSocket,
}

impl Port {
    pub fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Lets a process under test listen here by naming the port; who asks for any free port
        // is still not given this one.
        socket.set_reuseaddr(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { socket }
    }

    pub fn address(&self) -> String {
        self.socket.local_addr().unwrap().to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    pub fn listen(self) -> TcpListener {
        self.socket.listen(64).unwrap()
    }
}
