//! The engines alone, made durable as a relay makes them: what no relay on them can exceed.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio_postgres::NoTls;

use crate::{Done, SIZE};

/// Rows that one connection to SQLite inserts in a second, so many in a transaction.
pub(crate) fn sqlite(folder: &Path, together: usize, time: Duration) -> Done<f64> {
    let mut connection = Connection::open(folder.join("raw.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, bytes BLOB)")?;
    let (bytes, started) = (vec![7_u8; SIZE], Instant::now());
    let mut rows = 0_u32;
    while started.elapsed() < time {
        let transaction = connection.transaction()?;
        for _ in 0..together {
            transaction
                .prepare_cached("INSERT INTO rows (bytes) VALUES (?1)")?
                .execute([&bytes])?;
            rows += 1;
        }
        transaction.commit()?;
    }
    let rate = f64::from(rows) / started.elapsed().as_secs_f64();
    connection.execute_batch("DROP TABLE rows")?;
    Ok(rate)
}

/// Rows that so many clients of a PostgreSQL server insert in a second, one in a transaction.
pub(crate) async fn postgres(url: &str, clients: usize, time: Duration) -> Done<f64> {
    let (first, connection) = tokio_postgres::connect(url, NoTls).await?;
    let first_connection = tokio::spawn(connection);
    first
        .batch_execute(
            "CREATE TABLE rows (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, bytes BYTEA)",
        )
        .await?;
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        tasks.push((
            client
                .prepare("INSERT INTO rows (bytes) VALUES ($1)")
                .await?,
            client,
        ));
    }
    let started = Instant::now();
    let inserting = tasks.into_iter().map(|(statement, client)| {
        tokio::spawn(async move {
            let bytes = vec![7_u8; SIZE];
            let mut rows = 0_u32;
            while started.elapsed() < time {
                client.execute(&statement, &[&bytes]).await?;
                rows += 1;
            }
            Ok::<_, tokio_postgres::Error>(rows)
        })
    });
    let mut rows = 0;
    for task in inserting.collect::<Vec<_>>() {
        rows += task.await??;
    }
    let rate = f64::from(rows) / started.elapsed().as_secs_f64();
    first.batch_execute("DROP TABLE rows").await?;
    drop(first);
    first_connection.await??;
    Ok(rate)
}
