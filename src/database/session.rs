//! What asking any server has in common: a runtime of one thread, time limits
//! that hold whatever the server does, and batches of statements.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Either, Executor, Row, Type};

use super::url::{DatabaseUrl, Place};
use super::{DatabaseError, Limits, mysql, postgres};

/// Runs one future to its end.
pub(super) fn block_on<T>(
    future: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let runtime = runtime()?;
    let result = runtime.block_on(future);
    // The operating system may still be looking up a name; nobody waits for it any more.
    runtime.shutdown_background();
    result
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, DatabaseError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| DatabaseError::Runtime { source })
}

/// The future's result, or `TimedOut`.
pub(super) async fn within<T>(
    url: &DatabaseUrl,
    limit: Duration,
    future: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let timed_out = || DatabaseError::TimedOut { url: url.shown().to_owned(), limit };
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| Err(timed_out()))
}

/// All results, in order; all are waited for at once.
pub(super) async fn all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<Pin<Box<_>>> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<Option<T>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in running.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// What a batch gave until it ended or failed.
pub(super) struct Answer<DB: Database> {
    pub rows: Vec<DB::Row>,
    pub error: Option<sqlx::Error>,
}

/// Sends several statements in one message, so that they cost one round trip.
/// The rows before an error are answers too.
pub(super) async fn batch<'c, DB, C>(connection: C, sql: String) -> Answer<DB>
where
    DB: Database,
    C: Executor<'c, Database = DB>,
{
    let mut answers = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    let mut answer = Answer { rows: Vec::new(), error: None };
    loop {
        match poll_fn(|context| answers.as_mut().poll_next(context)).await {
            Some(Ok(Either::Right(row))) => answer.rows.push(row),
            Some(Ok(Either::Left(_))) => {}
            Some(Err(error)) => {
                answer.error = Some(error);
                return answer;
            }
            None => return answer,
        }
    }
}

/// The server's answer to one statement: the first two columns, as text. Nothing of a file.
pub(super) async fn pairs_of(
    url: &DatabaseUrl,
    sql: &str,
    action: &'static str,
    limits: &Limits,
) -> Result<Vec<(String, Option<String>)>, DatabaseError> {
    let rows = match url.place() {
        Place::Sqlite(_) => Ok(Vec::new()),
        Place::Postgres(server) => {
            let mut connection = postgres::connect(url, server, limits).await?;
            let rows = batch(&mut connection, sql.to_owned()).await.complete();
            postgres::hang_up(connection).await;
            rows.and_then(|rows| pairs(&rows))
        }
        Place::MySql(server) => {
            let mut connection = mysql::connect(url, server, limits).await?;
            let rows = batch(&mut connection, sql.to_owned()).await.complete();
            mysql::hang_up(connection).await;
            rows.and_then(|rows| pairs(&rows))
        }
    };
    rows.map_err(|error| DatabaseError::of(url, action, error))
}

/// The first column of each row, and the second where there is one.
pub(super) fn pairs<R: Row>(rows: &[R]) -> Result<Vec<(String, Option<String>)>, sqlx::Error>
where
    usize: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    let pair = |row: &R| {
        let second = if row.len() > 1 { row.try_get(1)? } else { None };
        Ok((row.try_get(0)?, second))
    };
    rows.iter().map(pair).collect()
}

impl<DB: Database> Answer<DB> {
    /// The rows, if nothing failed.
    pub fn complete(self) -> Result<Vec<DB::Row>, sqlx::Error> {
        self.error.map_or(Ok(self.rows), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_waited_for_at_once_and_keep_their_order() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let second = sender.clone();
        // The first ends only after the second has: one after the other would never end.
        let waits: Pin<Box<dyn Future<Output = u8>>> = Box::pin(poll_fn(move |context| {
            context.waker().wake_by_ref();
            receiver.try_recv().map_or(Poll::Pending, |_: ()| Poll::Ready(1))
        }));
        let tells: Pin<Box<dyn Future<Output = u8>>> = Box::pin(async move {
            second.send(()).expect("somebody listens");
            2
        });
        let results = runtime().expect("a runtime").block_on(all(vec![waits, tells]));
        assert_eq!(results, [1, 2]);
    }
}
