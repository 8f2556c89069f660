//! What the statements of this module run on, whichever engine is behind it. They are written once,
//! in what SQLite and PostgreSQL both understand: parameters are `?1`, `?2`, …; whole numbers are 64
//! bits wide and flags are 0 or 1.

use super::many::{Column, Many};
use super::{StoreError, Stored};

/// A transaction, or a view, of the database.
pub(crate) trait Sql {
    /// Runs a statement that returns no rows; how many it changed.
    ///
    /// # Errors
    /// What the engine says.
    fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Stored<u64>;

    /// Runs a statement and gives every row that it returns to `each`, in order.
    ///
    /// # Errors
    /// What the engine or `each` says.
    fn for_each(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        each: &mut dyn FnMut(&mut Row) -> Stored<()>,
    ) -> Stored<()>;

    /// Runs a statement for every row of the columns, of which there is at least one, and gives every
    /// row that comes back to `each`.
    ///
    /// # Errors
    /// What the engine or `each` says.
    fn for_rows(
        &self,
        statement: &Many,
        columns: &[Column<'_>],
        shared: &[Param<'_>],
        each: &mut dyn FnMut(&mut Row) -> Stored<()>,
    ) -> Stored<()>;
}

impl dyn Sql + '_ {
    /// Every row, as `read` makes it.
    pub(crate) fn all<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        mut read: impl FnMut(&mut Row) -> Stored<T>,
    ) -> Stored<Vec<T>> {
        let mut all = Vec::new();
        self.for_each(sql, params, &mut |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// The first row, if there is any.
    pub(crate) fn first<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        mut read: impl FnMut(&mut Row) -> Stored<T>,
    ) -> Stored<Option<T>> {
        let mut first = None;
        self.for_each(sql, params, &mut |row| {
            if first.is_none() {
                first = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// The first row of a statement that always returns one.
    pub(crate) fn one<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: impl FnMut(&mut Row) -> Stored<T>,
    ) -> Stored<T> {
        self.first(sql, params, read)?.ok_or(StoreError::NoRow)
    }

    /// Whether there is any row.
    pub(crate) fn exists(&self, sql: &'static str, params: &[Param<'_>]) -> Stored<bool> {
        Ok(self.first(sql, params, |_| Ok(()))?.is_some())
    }
}

/// A value that goes into a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Param<'a> {
    /// Nothing.
    Null,
    /// A whole number, or a flag.
    Int(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The values of a statement, from `?1` on.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Param::from($value)),*] };
}
pub(crate) use params;

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A value that comes out of one.
#[derive(Debug, Default)]
pub(crate) enum Value {
    /// Nothing.
    #[default]
    Null,
    /// A whole number, or a flag.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One row of an answer.
#[derive(Debug, Default)]
pub(crate) struct Row {
    values: Vec<Value>,
}

impl Row {
    /// Takes the place of the row before, and its room.
    pub(super) fn fill<E>(
        &mut self,
        values: impl Iterator<Item = Result<Value, E>>,
    ) -> Result<(), E> {
        self.values.clear();
        for value in values {
            self.values.push(value?);
        }
        Ok(())
    }

    /// Takes the value of a column, counted from 0, out of the row.
    ///
    /// # Errors
    /// [`StoreError::Column`] where the statement returns something else there.
    pub(crate) fn get<T: FromValue>(&mut self, column: usize) -> Stored<T> {
        let value = self.values.get_mut(column).map(std::mem::take);
        value
            .and_then(T::from_value)
            .ok_or(StoreError::Column(column))
    }
}

/// What a column can be read as.
pub(crate) trait FromValue: Sized {
    /// The value, if it is of this kind.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(|flag| flag != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: Value) -> Option<Self> {
        Vec::from_value(value)?.try_into().ok()
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
