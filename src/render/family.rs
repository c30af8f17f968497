//! Families: the two forms of a template, told apart by the file's name.

/// What a template writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// `<action>.md.tera`: a Markdown document.
    Markdown,
    /// `<action>.json.tera`: the request body.
    Json,
}

impl Family {
    /// Both, the one with more to say first: of two files in one place the JSON one counts.
    pub(super) const ALL: [Self; 2] = [Self::Json, Self::Markdown];

    /// Returns how names of the family end.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Markdown => ".md.tera",
            Self::Json => ".json.tera",
        }
    }

    /// Tells the family of a file from its name.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|family| name.strip_suffix(family.suffix()).is_some_and(|action| !action.is_empty()))
    }
}
