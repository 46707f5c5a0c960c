//! The places in a `.tc` file where the ADO ids of a test case may stand.

use serde::{Deserialize, Serialize};

/// A place in a `.tc` file where ids may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdSource {
    /// The entry of the integration tab.
    #[default]
    Integration,
    /// The tag.
    Tag,
    /// The name.
    Name,
    /// The description.
    Description,
}

impl IdSource {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Integration, Self::Tag, Self::Name, Self::Description];

    /// The word for it in settings and for scripts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Tag => "tag",
            Self::Name => "name",
            Self::Description => "description",
        }
    }

    /// Whether it is the usual place, of which nobody need be told.
    pub(crate) fn is_integration(&self) -> bool {
        *self == Self::Integration
    }
}
