//! The server: a port of this machine, a runtime of its own, connections that can be cut.
//!
//! It runs on threads of its own, so that tests may block as they like.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::faults::{Fault, FaultPlan};
#[cfg(not(feature = "schema"))]
use crate::no_schema::{Checker, default_path};
use crate::record::{RecordedRequest, RequestLog};
#[cfg(feature = "schema")]
use crate::schema::{Checker, default_path};
use crate::service;
use crate::world::World;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) log: Mutex<RequestLog>,
    pub(crate) faults: Mutex<FaultPlan>,
    pub(crate) checker: Option<Checker>,
    pub(crate) organization: String,
    /// The decoded path below which everything lies, in lower case, without slashes around it.
    pub(crate) root: String,
    pub(crate) base: String,
    pub(crate) started: Instant,
}

/// Locks, also after a panic elsewhere: a failing test shall not fail others with its poison.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running server. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct FakeAdo {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
    gone: Mutex<Receiver<()>>,
}

impl FakeAdo {
    /// Serves a world on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be opened, or the API description named by [`World::schema`] cannot be
    /// read.
    pub async fn start(world: World) -> std::io::Result<FakeAdo> {
        FakeAdo::start_blocking(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), world)
    }

    /// Serves a world on this address: a server that comes back after it was down, say.
    ///
    /// # Errors
    /// As [`FakeAdo::start`].
    pub async fn start_on(addr: SocketAddr, world: World) -> std::io::Result<FakeAdo> {
        FakeAdo::start_blocking(addr, world)
    }

    /// [`FakeAdo::start_on`] for code that is not asynchronous.
    ///
    /// # Errors
    /// As [`FakeAdo::start`].
    pub fn start_blocking(addr: SocketAddr, mut world: World) -> std::io::Result<FakeAdo> {
        world.complete();
        let checker = load_checker(&world)?;
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            checker,
            organization: world.organization().to_owned(),
            root: crate::query::decode(&world.path()).to_lowercase(),
            base: format!("http://{address}/{}", world.path()),
            world: Mutex::new(world),
            log: Mutex::default(),
            faults: Mutex::default(),
            started: Instant::now(),
        });

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fake-ado")
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        drop(entered);
        let (alive, gone) = channel();
        runtime.spawn(accept(listener, shared.clone(), alive));

        Ok(FakeAdo {
            shared,
            address,
            runtime: Some(runtime),
            gone: Mutex::new(gone),
        })
    }

    /// `http://127.0.0.1:PORT/{organization}`, below the virtual directory if there is one: what a
    /// client is configured with.
    pub fn base_url(&self) -> String {
        self.shared.base.clone()
    }

    /// `http://127.0.0.1:PORT`: the authority that issues tokens, and the metadata service.
    pub fn authority_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The world, to look at and to alter. Requests wait while the guard is held.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.shared.world)
    }

    /// All requests so far, in the order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        lock(&self.shared.log).requests.clone()
    }

    /// Forgets the requests so far; numbers start at 0 again.
    pub fn clear_requests(&self) {
        lock(&self.shared.log).requests.clear();
    }

    /// Bodies that did not fit the API description; empty when all did, or when none was loaded.
    pub fn schema_violations(&self) -> Vec<String> {
        lock(&self.shared.log).violations.clone()
    }

    /// Whether an API description was found, so that bodies are checked.
    pub fn has_schema(&self) -> bool {
        self.shared.checker.is_some()
    }

    /// Plans a fault.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Plans several faults.
    pub fn faults(&self, plan: impl IntoIterator<Item = Fault>) {
        let mut faults = lock(&self.shared.faults);
        plan.into_iter().for_each(|fault| faults.add(fault));
    }

    /// Forgets all planned faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Requests that are in flight: neither answered nor given up.
    pub fn in_flight(&self) -> usize {
        lock(&self.shared.log).in_flight
    }

    /// The most requests that were in flight at once.
    pub fn peak_connections(&self) -> usize {
        lock(&self.shared.log).peak
    }

    /// Stops and gives the world back, to serve it again later.
    pub fn stop(self) -> World {
        let world = std::mem::take(&mut *self.world());
        drop(self);
        world
    }
}

impl Drop for FakeAdo {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }

        // Every task holds the other end: when they are gone, so are the port and the connections.
        let gone = lock(&self.gone);
        while gone.recv_timeout(Duration::from_secs(2)).is_ok() {}
    }
}

fn load_checker(world: &World) -> std::io::Result<Option<Checker>> {
    if world.without_schema {
        return Ok(None);
    }
    match &world.schema {
        Some(path) => Checker::load(path).map(Some),
        None if default_path().exists() => Checker::load(&default_path()).map(Some),
        None => Ok(None),
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, alive: Sender<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, shared.clone(), alive.clone()));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Serves one connection until either side ends it, or a fault cuts it.
async fn connection(stream: TcpStream, shared: Arc<Shared>, _alive: Sender<()>) {
    let _ = stream.set_nodelay(true);
    let cut = Arc::new(Notify::new());
    let service = service_fn(|request| service::handle(request, shared.clone(), cut.clone()));
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);

    tokio::select! {
        _ = served => {}
        () = cut.notified() => {}
    }
}
