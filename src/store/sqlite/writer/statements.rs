//! Statements at hand: those that a transaction has used lie ready for its next request, without being looked up by
//! their text each time.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use rusqlite::{CachedStatement, Connection};

/// The statements that a transaction has used and nobody is using.
#[derive(Default)]
pub(super) struct Statements<'a>(RefCell<Vec<(&'static str, CachedStatement<'a>)>>);

/// A statement in use; it is put back when it is dropped.
pub(in crate::store::sqlite) struct AtHand<'w, 'a> {
    sql: &'static str,
    /// `None` only while it is dropped.
    statement: Option<CachedStatement<'a>>,
    home: &'w Statements<'a>,
}

impl<'a> Statements<'a> {
    /// Returns a statement, prepared once for the connection.
    pub(super) fn take(
        &self,
        connection: &'a Connection,
        sql: &'static str,
    ) -> rusqlite::Result<AtHand<'_, 'a>> {
        let at_hand = {
            let mut statements = self.0.borrow_mut();
            // By the place of the text: it is a constant of the program.
            let place = statements.iter().position(|(known, _)| std::ptr::eq(*known, sql));
            place.map(|place| statements.swap_remove(place).1)
        };
        let statement = match at_hand {
            Some(statement) => statement,
            None => connection.prepare_cached(sql)?,
        };
        Ok(AtHand { sql, statement: Some(statement), home: self })
    }
}

#[expect(clippy::expect_used, reason = "it is there until it is dropped")]
impl<'a> Deref for AtHand<'_, 'a> {
    type Target = CachedStatement<'a>;

    fn deref(&self) -> &Self::Target {
        self.statement.as_ref().expect("a statement in use")
    }
}

#[expect(clippy::expect_used, reason = "it is there until it is dropped")]
impl DerefMut for AtHand<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.statement.as_mut().expect("a statement in use")
    }
}

impl Drop for AtHand<'_, '_> {
    fn drop(&mut self) {
        if let Some(statement) = self.statement.take() {
            self.home.0.borrow_mut().push((self.sql, statement));
        }
    }
}
