//! A page of a list as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::store::Page;

/// One page of a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct PageJson<T> {
    /// What stands on it, the newest first. Where few fit a filter it may be less than `limit`, even none, though there is
    /// a further page.
    pub items: Vec<T>,
    /// For `after` of the next page; null on the last one. It stays right while rows arrive and go.
    pub next: Option<String>,
}

impl<T> PageJson<T> {
    /// Returns a page, each row as JSON.
    pub fn of<'a, R>(page: &'a Page<R>) -> Self
    where
        T: From<&'a R>,
    {
        Self { items: page.items.iter().map(T::from).collect(), next: page.next.map(|next| next.to_string()) }
    }
}
