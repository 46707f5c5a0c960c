//! A receiver of notifications: a webhook that keeps what it is sent and answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

use super::waiting::wait_until;

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Its head, in lower case.
    pub head: String,
    pub body: Value,
}

impl Received {
    /// The id that stands in its head.
    pub(crate) fn id(&self) -> String {
        let (_, behind) = self
            .head
            .split_once("x-kado-message: ")
            .expect("it has an id");
        behind.lines().next().unwrap_or_default().trim().to_owned()
    }

    /// Each thing that it tells, as `kind event`.
    pub(crate) fn told(&self) -> Vec<String> {
        let notifications = self.body["notifications"].as_array().expect("it is a list");
        notifications
            .iter()
            .map(|one| {
                let word = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", word("kind"), word("event"))
            })
            .collect()
    }
}

/// How a message is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    Status(u16),
    /// Nothing comes back, and the connection stays open.
    Silence,
}

#[derive(Default)]
struct Shared {
    received: Vec<Received>,
    replies: VecDeque<Reply>,
    /// Connections that are left open.
    open: Vec<TcpStream>,
}

/// The receiver; it serves until the test ends.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    /// Listens on a free port.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::<Mutex<Shared>>::default();

        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                thread::spawn(move || serve(stream, &serving));
            }
        });
        Self { address, shared }
    }

    /// Its address, with a secret in it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/hooks/hunter2secret", self.address)
    }

    /// The next messages are answered like this; those behind them with 200.
    pub(crate) fn reply(&self, replies: &[Reply]) {
        self.lock().replies.extend(replies);
    }

    /// Everything that came.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.lock().received.clone()
    }

    /// Waits until so many messages have come, and gives the last of them.
    pub(crate) fn wait_for(&self, count: usize) -> Received {
        wait_until(&format!("{count} messages"), || {
            let received = self.received();
            match received.get(count - 1) {
                Some(last) => Ok(last.clone()),
                None => Err(format!("{received:#?}")),
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads one request, keeps it, and answers.
fn serve(stream: TcpStream, shared: &Mutex<Shared>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }

    let mut stream = reader.into_inner();
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let body = serde_json::from_slice(&body).unwrap_or_default();
    shared.received.push(Received { head, body });
    match shared.replies.pop_front().unwrap_or(Reply::Status(200)) {
        Reply::Status(status) => {
            let answer = format!(
                "HTTP/1.1 {status} Said\r\nlocation: http://127.0.0.1:9/\r\n\
                 content-length: 0\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
        Reply::Silence => shared.open.push(stream),
    }
}
