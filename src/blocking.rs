//! Work that may block (disk, SQLite), on threads of its own, so that it holds up nothing else.
//!
//! A panic goes on in whoever waits, as if the work had been called there: nobody can take it for
//! an answer. Work that was not done because the program ends is [`Stopped`], and never an answer
//! either.

use std::time::Duration;

use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// The program is ending, and the work was not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("kado is stopping")]
pub struct Stopped;

/// Work that panicked and costs only itself; see [`contained`].
#[derive(Debug, thiserror::Error)]
#[error("kado failed on it ({0}); that is a defect, please report it")]
pub(crate) struct Failed(JoinError);

/// Does `work` on a thread that may block.
///
/// # Errors
/// When the program is ending.
///
/// # Panics
/// When `work` does.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stopped> {
    let error = match tokio::task::spawn_blocking(work).await {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // Cancelled: the runtime is being shut down.
        Err(_) => Err(Stopped),
    }
}

/// Lends something to `work` on a thread that may block, and has it back afterwards. Meanwhile a
/// default stands in its place.
///
/// # Errors
/// When the program is ending.
pub(crate) async fn lend<S: Default + Send + 'static, T: Send + 'static>(
    owned: &mut S,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> Result<T, Stopped> {
    // When the program ends it stays with its thread; nobody asks for it any more.
    let mut lent = std::mem::take(owned);
    let (returned, done) = blocking(move || {
        let done = work(&mut lent);
        (lent, done)
    })
    .await?;

    *owned = returned;
    Ok(done)
}

/// Does `work`, and gives it up when `stop` was cancelled and `grace` has passed since. What it
/// does on a thread that blocks stays there: a file system that hangs, or a file without an end,
/// must not keep the program from ending.
///
/// # Errors
/// When it was given up.
pub(crate) async fn unless_stopped<T>(
    work: impl Future<Output = T>,
    stop: &CancellationToken,
    grace: Duration,
) -> Result<T, Stopped> {
    let given_up = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };

    tokio::select! {
        done = work => Ok(done),
        () = given_up => Err(Stopped),
    }
}

/// As [`blocking`], for what a person asks for: should it panic, that is the answer. The same
/// request would otherwise end the service again after each start.
///
/// # Errors
/// When the program is ending.
pub(crate) async fn contained<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Result<T, Failed>, Stopped> {
    match tokio::task::spawn_blocking(work).await {
        Err(error) if !error.is_panic() => Err(Stopped),
        done => Ok(done.map_err(Failed)),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    #[should_panic(expected = "on its own thread")]
    async fn a_panic_goes_on_in_whoever_waits() {
        let _ = blocking(|| panic!("on its own thread")).await;
    }

    #[tokio::test]
    async fn what_a_person_asks_for_costs_only_itself() {
        let failed = contained(|| panic!("on its own thread"))
            .await
            .unwrap()
            .map(|()| "done")
            .unwrap_err();
        assert!(failed.to_string().contains("on its own thread"), "{failed}");

        assert_eq!(contained(|| 1).await.unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn work_without_an_end_is_given_up_after_a_stop() {
        let stop = CancellationToken::new();
        stop.cancel();

        let done = unless_stopped(std::future::pending::<()>(), &stop, Duration::ZERO).await;

        assert_eq!(done, Err(Stopped));
    }

    #[test]
    fn work_that_was_never_begun_is_no_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _inside = handle.enter();

        assert_eq!(blocking(|| 1).now_or_never(), Some(Err(Stopped)));
        assert!(
            contained(|| 1)
                .now_or_never()
                .is_some_and(|done| done.is_err())
        );
    }
}
