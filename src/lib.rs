//! kado submits finished Katalon Studio suite runs to Azure DevOps Test Plans.

pub mod katalon;
pub mod moment;
pub mod workspace;
