//! The `kado` program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kado::cli::main()
}
