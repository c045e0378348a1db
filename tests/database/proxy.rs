//! A way to a server that counts how often the client speaks, and can be a
//! Unix socket; and listeners that are no server at all.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// Who spoke last.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Client,
    Server,
}

/// Forwards one connection.
pub struct Proxy {
    pub port: u16,
    turns: Arc<AtomicUsize>,
    client: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a port of its own for one client of `host:port`.
    pub fn to(host: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let turns = Arc::new(AtomicUsize::new(0));
        let (counter, server) = (Arc::clone(&turns), (host.to_owned(), port));
        let client = thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            let server = TcpStream::connect(server).expect("a server");
            let back =
                (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            forward_both((client, server), back, &counter);
        });
        Self { port: own, turns, client }
    }

    /// How often the client spoke after having listened, once it has hung up.
    pub fn turns(self) -> usize {
        self.client.join().expect("no panic");
        self.turns.load(Ordering::SeqCst)
    }
}

/// Forwards every connection to the socket `path` to `host:port`.
pub fn socket_to(path: &Path, host: &str, port: u16) {
    let listener = UnixListener::bind(path).expect("a socket");
    let server = (host.to_owned(), port);
    thread::spawn(move || {
        for client in listener.incoming() {
            let client: UnixStream = client.expect("a client");
            let server = TcpStream::connect(server.clone()).expect("a server");
            let back =
                (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            forward_both((client, server), back, &AtomicUsize::new(0));
        }
    });
}

/// Returns once the client has hung up.
fn forward_both<C, S>(one: (C, S), back: (C, S), turns: &AtomicUsize)
where
    C: Read + Write + Send + 'static,
    S: Read + Write + Send + 'static,
{
    // A server may speak first.
    let last = Arc::new(Mutex::new(Side::Server));
    let last_too = Arc::clone(&last);
    let ((client, server), (to_client, from_server)) = (one, back);
    thread::spawn(move || {
        forward(from_server, to_client, Side::Server, &last_too, &AtomicUsize::new(0));
    });
    forward(client, server, Side::Client, &last, turns);
}

/// Passes on what one side says until it hangs up.
fn forward(
    mut from: impl Read,
    mut to: impl Write,
    side: Side,
    last: &Mutex<Side>,
    turns: &AtomicUsize,
) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let mut last = last.lock().expect("no panic");
        if *last != side {
            *last = side;
            turns.fetch_add(1, Ordering::SeqCst);
        }
        drop(last);
        if to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// A port on which nobody listens.
pub fn refused_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A port that takes connections and never says a word, as long as the listener lives.
pub fn black_hole() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

/// A port that answers the first thing it hears with `answer`.
pub fn answering(answer: &'static [u8]) -> u16 {
    let (listener, port) = black_hole();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut heard = [0; 1024];
        if client.read(&mut heard).is_ok_and(|length| length > 0) {
            client.write_all(answer).expect("somebody who listens");
        }
    });
    port
}
