//! The store's statements on a connection to SQLite.

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::super::Stored;
use super::super::many::{Column, Many, one_by_one};
use super::super::sql::{Param, Row, Sql, Value};

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match *self {
            Param::Null => ToSqlOutput::Owned(Owned::Null),
            Param::Int(number) => ToSqlOutput::Owned(Owned::Integer(number)),
            Param::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Param::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

impl Sql for Connection {
    fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Stored<u64> {
        let changed = self
            .prepare_cached(sql)?
            .execute(params_from_iter(params))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    fn for_each(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        each: &mut dyn FnMut(&mut Row) -> Stored<()>,
    ) -> Stored<()> {
        let mut statement = self.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params))?;
        let mut read = Row::default();
        while let Some(row) = rows.next()? {
            read.fill((0..columns).map(|column| row.get_ref(column).map(value)))?;
            each(&mut read)?;
        }
        Ok(())
    }

    fn for_rows(
        &self,
        statement: &Many,
        columns: &[Column<'_>],
        shared: &[Param<'_>],
        each: &mut dyn FnMut(&mut Row) -> Stored<()>,
    ) -> Stored<()> {
        one_by_one(self, statement, columns, shared, each)
    }
}

/// No table of the schema holds a fraction, and text is UTF-8: a column that is neither is as good
/// as none.
fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
    }
}
