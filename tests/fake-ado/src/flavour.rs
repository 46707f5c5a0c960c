//! The products that speak this interface, as far as they differ.

use crate::world::World;

/// A product and its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Azure DevOps Services.
    Services,
    /// Azure DevOps Server 2019.
    Server2019,
    /// Azure DevOps Server 2019 Update 1.
    Server2019Update1,
    /// Azure DevOps Server 2020.
    Server2020,
    /// Azure DevOps Server 2022.
    Server2022,
    /// Azure DevOps Server 2022.1 and later.
    Server2022Update1,
}

impl Flavour {
    /// All servers on premises, the oldest first.
    pub const SERVERS: [Flavour; 5] = [
        Flavour::Server2019,
        Flavour::Server2019Update1,
        Flavour::Server2020,
        Flavour::Server2022,
        Flavour::Server2022Update1,
    ];

    /// The highest API version it knows.
    pub fn highest(self) -> &'static str {
        match self {
            Flavour::Server2019 => "5.0",
            Flavour::Server2019Update1 => "5.1",
            Flavour::Server2020 => "6.0",
            Flavour::Server2022 => "7.0",
            Flavour::Services | Flavour::Server2022Update1 => "7.1",
        }
    }
}

impl World {
    /// Knows only the routes and versions of this product. Servers on premises take no token of
    /// Entra.
    pub fn flavour(self, flavour: Flavour) -> Self {
        let hosted = flavour == Flavour::Services;
        self.with(|settings| {
            settings.max_api_version = flavour.highest().into();
            settings.deployment_type = if hosted { "hosted" } else { "onPremises" }.into();
        })
    }

    /// Is called so: a collection may have blanks in its name.
    pub fn named(mut self, collection: &str) -> Self {
        self.organization = collection.into();
        self
    }

    /// Lies below a virtual directory, such as `tfs`; an empty one is none.
    pub fn below(mut self, directory: &str) -> Self {
        self.virtual_directory = directory.into();
        self
    }
}
