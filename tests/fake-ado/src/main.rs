//! `fake-ado`: the world as a program, for the demo and for black-box scripts.
//!
//! The first line on stdout is the base URL. `GET {origin}/_fake/world` gives the world as JSON,
//! `/_fake/requests` the request log, `/_fake/violations` the bodies that did not fit.

use std::io::Write as _;
use std::net::SocketAddr;

use fake_ado::{FakeAdo, World};

const USAGE: &str = "usage: fake-ado [--listen ADDRESS:PORT] [--world FILE.json]";

fn main() -> std::process::ExitCode {
    match serve() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake-ado: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let mut listen: SocketAddr = "127.0.0.1:0".parse()?;
    let mut world = World::demo();
    let mut arguments = std::env::args().skip(1);

    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match argument.as_str() {
            "--listen" => listen = value.parse()?,
            "--world" => world = serde_json::from_slice(&std::fs::read(&value)?)?,
            _ => return Err(USAGE.into()),
        }
    }

    let fake = FakeAdo::start_blocking(listen, world)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", fake.base_url())?;
    stdout.flush()?;

    loop {
        std::thread::park();
    }
}
