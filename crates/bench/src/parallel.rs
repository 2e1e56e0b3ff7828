//! The same work for many items, a fixed number at a time.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::Error;

/// Does `work` for every item, `at_once` of them at a time, over all threads. Results come back in
/// the order of the items. The first error ends it.
///
/// # Errors
/// What `work` answers first.
pub async fn each<T, R, F, W>(items: Vec<T>, at_once: usize, work: W) -> Result<Vec<R>, Error>
where
    T: Send + 'static,
    R: Send + 'static,
    F: Future<Output = Result<R, Error>> + Send + 'static,
    W: Fn(T) -> F + Clone + Send + Sync + 'static,
{
    let count = items.len();
    let items = Arc::new(Mutex::new(items.into_iter().enumerate()));
    let mut workers = JoinSet::new();
    for _ in 0..at_once.min(count) {
        let (items, work) = (Arc::clone(&items), work.clone());
        workers.spawn(async move {
            let mut done = Vec::new();
            loop {
                let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((index, item)) = next else { return Ok::<_, Error>(done) };
                done.push((index, work(item).await?));
            }
        });
    }
    let mut results: Vec<Option<R>> = (0..count).map(|_| None).collect();
    while let Some(worker) = workers.join_next().await {
        let done = worker.map_err(|error| Error::Server(format!("a worker: {error}")))??;
        for (index, result) in done {
            results[index] = Some(result);
        }
    }
    Ok(results.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_are_in_the_order_of_the_items() {
        let doubled = each((0..100).collect(), 7, |n: u32| async move {
            tokio::task::yield_now().await;
            Ok(n * 2)
        });
        assert_eq!(doubled.await.unwrap(), (0..100).map(|n| n * 2).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn the_first_error_ends_it() {
        let failed = each(vec![1, 2, 3], 2, |n: u32| async move {
            if n == 2 { Err(Error::Missing("two".into())) } else { Ok(n) }
        });
        assert!(failed.await.is_err());
    }
}
