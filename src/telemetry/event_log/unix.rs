//! There is no Event Log on this system.

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Identity;

/// Never.
pub(crate) const fn is_used() -> bool {
    false
}

/// Nothing.
pub(crate) fn layer<S: Subscriber>() -> Option<impl Layer<S>> {
    None::<Identity>
}
