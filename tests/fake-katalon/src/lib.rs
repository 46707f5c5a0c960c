//! Writes Katalon projects and runs.
