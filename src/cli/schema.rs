//! `schema`: JSON Schema of the two files, for editors.

use super::Output;
use crate::config::editors;

/// Print the JSON Schema of a file, for editors.
#[derive(Debug, clap::Args)]
pub(super) struct Schema {
    /// Of which file
    file: SchemaFile,
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SchemaFile {
    /// relay.toml
    Relay,
    /// routes.toml
    Routes,
}

impl Schema {
    pub(super) fn run(self) -> Output {
        let schema = match self.file {
            SchemaFile::Relay => editors::relay(),
            SchemaFile::Routes => editors::routes(),
        };
        editors::written(&schema).into()
    }
}
