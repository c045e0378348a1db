//! A way to a server that can be closed, as if the server was gone.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The connections through an open gate; `None` while it is closed.
type Connections = Arc<Mutex<Option<Vec<TcpStream>>>>;

/// Forwards all connections to a server while it is open.
pub struct Gate {
    pub port: u16,
    connections: Connections,
}

impl Gate {
    pub fn to(host: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let connections: Connections = Arc::new(Mutex::new(Some(Vec::new())));
        let (known, server) = (Arc::clone(&connections), (host.to_owned(), port));
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client");
                if let Some(connections) = known.lock().expect("no panic").as_mut() {
                    let server = TcpStream::connect(server.clone()).expect("a server");
                    forward(&client, &server);
                    forward(&server, &client);
                    connections.extend([client, server]);
                }
            }
        });
        Self { port: own, connections }
    }

    /// Breaks all connections off, and refuses new ones.
    pub fn close(&self) {
        let connections = self.connections.lock().expect("no panic").take();
        for connection in connections.into_iter().flatten() {
            // It may have ended already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub fn open(&self) {
        *self.connections.lock().expect("no panic") = Some(Vec::new());
    }
}

/// Passes on what one side says until it hangs up.
fn forward(from: &TcpStream, to: &TcpStream) {
    let mut from = from.try_clone().expect("a handle");
    let mut to = to.try_clone().expect("a handle");
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
