//! Statements for many rows: one after the other where that costs nothing, all in one where every
//! statement is a journey to a server and back.

use super::Stored;
use super::sql::{Param, Row, Sql};

/// A statement in the two forms that mean the same.
pub(crate) struct Many {
    /// For one row: `?1`, `?2`, … are its columns, and then what all rows share.
    pub(crate) one: &'static str,
    /// For all rows: `?1`, `?2`, … are arrays of the columns, and then what all rows share. Rows that
    /// it returns need not be in the order of those that it was given, except where it says so.
    pub(crate) all: &'static str,
}

/// A column of many rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'a> {
    /// Whole numbers.
    Ints(&'a [i64]),
    /// Texts.
    Texts(&'a [&'a str]),
    /// Bytes.
    Bytes(&'a [&'a [u8]]),
}

impl<'a> Column<'a> {
    /// How many rows there are.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Texts(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// The value of a row.
    pub(super) fn at(self, row: usize) -> Param<'a> {
        match self {
            Self::Ints(values) => values.get(row).copied().into(),
            Self::Texts(values) => values.get(row).copied().into(),
            Self::Bytes(values) => values.get(row).copied().into(),
        }
    }
}

impl dyn Sql + '_ {
    /// Runs a statement for every row of the columns, and reads every row that comes back.
    pub(crate) fn many<T>(
        &self,
        statement: &Many,
        columns: &[Column<'_>],
        shared: &[Param<'_>],
        mut read: impl FnMut(&mut Row) -> Stored<T>,
    ) -> Stored<Vec<T>> {
        let mut all = Vec::new();
        if columns.first().is_some_and(|column| column.len() > 0) {
            self.for_rows(statement, columns, shared, &mut |row| {
                all.push(read(row)?);
                Ok(())
            })?;
        }
        Ok(all)
    }

    /// The same for a statement that returns no rows.
    pub(crate) fn execute_many(
        &self,
        statement: &Many,
        columns: &[Column<'_>],
        shared: &[Param<'_>],
    ) -> Stored<()> {
        self.many(statement, columns, shared, |_| Ok(())).map(drop)
    }
}

/// Runs a statement row by row.
pub(super) fn one_by_one(
    sql: &dyn Sql,
    statement: &Many,
    columns: &[Column<'_>],
    shared: &[Param<'_>],
    each: &mut dyn FnMut(&mut Row) -> Stored<()>,
) -> Stored<()> {
    let rows = columns.first().map_or(0, |column| column.len());
    let mut params = Vec::with_capacity(columns.len() + shared.len());
    for row in 0..rows {
        params.clear();
        params.extend(columns.iter().map(|column| column.at(row)));
        params.extend_from_slice(shared);
        sql.for_each(statement.one, &params, each)?;
    }
    Ok(())
}
