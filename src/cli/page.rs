//! `kado page`: prints where the status page is, and opens it where there is a screen.
//!
//! The page's buttons want a token. It reaches the browser in the fragment of an address, and the
//! address in a file of its own that only this account may read: the arguments of a program are
//! shown to everybody on the machine.

#![expect(
    clippy::disallowed_methods,
    reason = "whether there is a screen stands in the environment, and the browser is started"
)]

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use clap::Args;
use directories::ProjectDirs;
use secrecy::{ExposeSecret as _, SecretString};

use crate::child_environment;
use crate::cli::error::UsageError;
use crate::cli::tell::tell;
use crate::config::Config;
use crate::exit::Exit;
use crate::outbox::lock::{ServiceMark, ServiceState};
use crate::page::PageAddress;
use crate::state_dir;

/// The file that leads a browser to the page.
const REDIRECT: &str = "page.html";

/// Arguments of `kado page`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the address alone
    #[arg(long)]
    no_open: bool,
}

/// Prints the address of the running service's page, and opens it.
pub(super) fn page(
    arguments: &Arguments,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let Some(listen) = config.status_page.listen else {
        let text = "the status page is switched off: `status_page.listen` in kado.toml is \"\"";
        return Err(UsageError(text.to_owned()).into());
    };
    let address = match PageAddress::read(&config.state_dir) {
        Ok(address) => address,
        // Whoever may not look into the state folder may see the page, without its buttons.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tell(
                "this account may not read the state folder, so the page has no buttons; a member \
                 of the service's group has them",
            );
            Some(PageAddress::new(listen, None))
        }
        Err(error) => return Err(error).context("the address of the status page cannot be read"),
    };

    let is_running = matches!(
        ServiceMark::look(&config.state_dir),
        ServiceState::Running | ServiceState::Unknown
    );
    let Some(address) = address.filter(|_| is_running) else {
        tell(
            "no page is served: the service does not run (`kado service start` or `kado run` \
             starts it), or the port is in use, which its log says",
        );
        return Ok(Exit::NotDone);
    };

    writeln!(out, "{}", address.url)?;
    if !arguments.no_open {
        open(&address)?;
    }
    Ok(Exit::Done)
}

/// Opens the page where there is a screen; elsewhere says what to do.
fn open(address: &PageAddress) -> anyhow::Result<()> {
    if !has_screen() {
        tell("there is no screen here; open the address in a browser on this machine");
        return Ok(());
    }

    let target = match &address.token {
        None => PathBuf::from(&address.url),
        Some(token) => redirect(&address.url, token)
            .context("the file that leads a browser to the page cannot be written")?,
    };
    if !start(&target) {
        tell("no browser could be started; open the address yourself");
    }
    Ok(())
}

/// Whether somebody at this machine could see a browser.
fn has_screen() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("SSH_CONNECTION") {
        return is_set("DISPLAY");
    }
    cfg!(any(windows, target_os = "macos")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Writes the file that leads a browser to the page with its token; gives its path.
fn redirect(url: &str, token: &SecretString) -> io::Result<PathBuf> {
    let dirs = ProjectDirs::from("", "", "kado")
        .ok_or_else(|| io::Error::new(ErrorKind::NotFound, "this account has no home folder"))?;
    let folder = dirs.runtime_dir().unwrap_or(dirs.cache_dir()).join("page");
    redirect_in(&folder, url, token)
}

fn redirect_in(folder: &Path, url: &str, token: &SecretString) -> io::Result<PathBuf> {
    state_dir::make(folder)?;
    let path = folder.join(REDIRECT);
    // Of an earlier call, with a token that may be over.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }

    // Both are kado's own, of letters that mean nothing in HTML.
    let target = format!("{url}/#token={}", token.expose_secret());
    let mut file = state_dir::make_file(&path)?;
    write!(
        file,
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>kado</title>\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0; url={target}\">\n\
         <a href=\"{target}\">The status page of kado</a>\n"
    )?;
    Ok(path)
}

/// Starts the first of the system's ways to open something that can be started.
fn start(target: &Path) -> bool {
    for command in open::commands(target) {
        let mut command = child_environment::without_own(command);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if command.spawn().is_ok() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_leads_to_the_page_with_its_token_and_is_for_this_account_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("page");
        let token = SecretString::from("t0ken");

        redirect_in(&folder, "http://127.0.0.1:7440", &SecretString::from("old")).unwrap();
        let path = redirect_in(&folder, "http://127.0.0.1:7440", &token).unwrap();

        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("url=http://127.0.0.1:7440/#token=t0ken\""),
            "{text}"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
