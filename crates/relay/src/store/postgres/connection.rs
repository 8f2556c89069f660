//! One connection to the server, with the statements it has prepared.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error as _;

use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Error, Statement};

use super::super::many::{Column, Many};
use super::super::sql::{Param, Row, Sql, Value};
use super::super::{StoreError, Stored};

/// What every session sets. A 202 is a promise (§4.6), whatever the server's default is; and a
/// process that hangs must not hold rows for ever.
const SESSION: &str = "SET synchronous_commit = on;
    SET idle_in_transaction_session_timeout = '60s';
    SET statement_timeout = '60s';
    SET client_min_messages = warning";

/// A connection.
pub(super) struct Connection {
    client: RefCell<Client>,
    prepared: RefCell<HashMap<&'static str, Statement>>,
    /// Whether a statement of the transaction failed: the server would take its commit for a
    /// rollback, and not say so.
    broken: Cell<bool>,
}

impl Connection {
    /// Sets up a session.
    pub(super) fn new(mut client: Client) -> Stored<Self> {
        client
            .batch_execute(SESSION)
            .map_err(|error| failure(&error))?;
        Ok(Self {
            client: RefCell::new(client),
            prepared: RefCell::default(),
            broken: Cell::new(false),
        })
    }

    /// Whether it is lost.
    pub(super) fn is_closed(&self) -> bool {
        self.client.borrow().is_closed()
    }

    /// Begins a transaction.
    pub(super) fn begin(&self) -> Stored<()> {
        self.broken.set(false);
        self.run("BEGIN")
    }

    /// Ends it: everything is on the server's disk with this.
    pub(super) fn commit(&self) -> Stored<()> {
        if self.broken.get() {
            self.rollback();
            return Err(StoreError::NotCommitted);
        }
        self.run("COMMIT")
    }

    /// Undoes it.
    pub(super) fn rollback(&self) {
        // Where the connection is lost, the server does it by itself.
        let _ = self.run("ROLLBACK");
    }

    /// Runs a statement without parameters and without rows.
    pub(super) fn run(&self, sql: &str) -> Stored<()> {
        let ran = self.client.borrow_mut().batch_execute(sql);
        ran.map_err(|error| failure(&error))
    }

    fn prepare(&self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(prepared) = self.prepared.borrow().get(sql) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.borrow_mut().prepare(&translated(sql))?;
        self.prepared.borrow_mut().insert(sql, prepared.clone());
        Ok(prepared)
    }

    /// Runs a statement as its own transaction or as part of the one that was begun.
    fn statement<T>(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
        run: impl FnOnce(&mut Client, &Statement, &[&(dyn ToSql + Sync)]) -> Result<T, Error>,
    ) -> Stored<T> {
        let ran = self
            .prepare(sql)
            .and_then(|prepared| run(&mut self.client.borrow_mut(), &prepared, params));
        ran.map_err(|error| {
            self.broken.set(true);
            failure(&error)
        })
    }
}

impl Connection {
    fn rows(
        &self,
        sql: &'static str,
        params: &[&(dyn ToSql + Sync)],
        each: &mut dyn FnMut(&mut Row) -> Stored<()>,
    ) -> Stored<()> {
        let rows = self.statement(sql, params, |client, statement, params| {
            client.query(statement, params)
        })?;
        let mut read = Row::default();
        for row in rows {
            read.fill((0..row.len()).map(|column| value(&row, column)))
                .map_err(|error| failure(&error))?;
            each(&mut read)?;
        }
        Ok(())
    }
}

impl Sql for Connection {
    fn execute(&self, sql: &'static str, params: &[Param<'_>]) -> Stored<u64> {
        self.statement(sql, &typed(params), |client, statement, params| {
            client.execute(statement, params)
        })
    }

    fn for_each(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        each: &mut dyn FnMut(&mut Row) -> Stored<()>,
    ) -> Stored<()> {
        self.rows(sql, &typed(params), each)
    }

    fn for_rows(
        &self,
        statement: &Many,
        columns: &[Column<'_>],
        shared: &[Param<'_>],
        each: &mut dyn FnMut(&mut Row) -> Stored<()>,
    ) -> Stored<()> {
        let columns = columns.iter().map(|it| it as &(dyn ToSql + Sync));
        let params: Vec<_> = columns.chain(typed(shared)).collect();
        self.rows(statement.all, &params, each)
    }
}

/// Parameters as the client takes them.
fn typed<'a>(params: &'a [Param<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    let params = params.iter();
    params.map(|it| it as &(dyn ToSql + Sync)).collect()
}

/// The text of a statement as this server reads it: `?1` is `$1`, and what stands in `/*! … */` (a
/// lock that SQLite has no need of, as it has one writer) counts.
fn translated(sql: &str) -> String {
    sql.replace('?', "$").replace("/*!", "").replace("*/", "")
}

/// A column of a row. The schema has no other types, and what is computed is a whole number.
fn value(row: &postgres::Row, column: usize) -> Result<Value, Error> {
    let kind = row.columns().get(column).map(|column| column.type_());
    Ok(match kind {
        Some(&Type::INT8) => row
            .try_get::<_, Option<i64>>(column)?
            .map_or(Value::Null, Value::Int),
        Some(&Type::INT4) => row
            .try_get::<_, Option<i32>>(column)?
            .map_or(Value::Null, |number| Value::Int(number.into())),
        Some(&Type::BOOL) => row
            .try_get::<_, Option<bool>>(column)?
            .map_or(Value::Null, |flag| Value::Int(flag.into())),
        Some(&Type::BYTEA) => row
            .try_get::<_, Option<Vec<u8>>>(column)?
            .map_or(Value::Null, Value::Bytes),
        _ => row
            .try_get::<_, Option<String>>(column)?
            .map_or(Value::Null, Value::Text),
    })
}

impl ToSql for Param<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (*self, kind) {
            (Param::Null, _) => Ok(IsNull::Yes),
            (Param::Int(number), &Type::INT8) => number.to_sql(kind, out),
            (Param::Text(text), &Type::TEXT) => text.to_sql(kind, out),
            (Param::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(kind, out),
            _ => Err(format!("a parameter is no {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for Column<'_> {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (*self, kind) {
            (Column::Ints(numbers), &Type::INT8_ARRAY) => numbers.to_sql(kind, out),
            (Column::Texts(texts), &Type::TEXT_ARRAY) => texts.to_sql(kind, out),
            (Column::Bytes(bytes), &Type::BYTEA_ARRAY) => bytes.to_sql(kind, out),
            _ => Err(format!("a column is no {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// An error as the store names it. The server's details name values and stay out.
pub(super) fn failure(error: &Error) -> StoreError {
    match error.as_db_error() {
        Some(said) => StoreError::Postgres {
            code: said.code().code().to_owned(),
            message: said.message().to_owned(),
        },
        None => {
            let reason = error.source().map(|source| format!(": {source}"));
            StoreError::Unreachable(format!("{error}{}", reason.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::translated;

    #[test]
    fn parameters_and_locks_are_translated() {
        assert_eq!(
            translated("SELECT 1 FROM t WHERE a = ?1 AND b = ?12 /*! FOR UPDATE */"),
            "SELECT 1 FROM t WHERE a = $1 AND b = $12  FOR UPDATE "
        );
    }
}
