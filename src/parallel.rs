//! Work that several threads share while it is still being found. It knows nothing
//! of what the work is.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How work is shared out.
#[derive(Clone, Copy, Debug)]
pub struct Sharing {
    /// With the one that finds the work, which takes part in it once all is found. Asked
    /// for when there is enough work for a second one.
    pub threads: fn() -> usize,
    /// Below this number of pieces a further thread costs more than it saves.
    pub pieces_per_thread: usize,
    /// So many pieces change hands at once: waking somebody costs something, too.
    pub pieces_at_once: usize,
    /// Who finds them works the first ones off by itself, up to this number.
    pub pieces_alone: usize,
    /// Of each thread, in bytes.
    pub stack: usize,
}

/// As many threads as there are processors for this process. Reads what its control
/// group grants, so it is not asked for in vain.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// What `work` makes of the pieces that `find` hands out, some of them at once, in
/// their order.
///
/// # Errors
/// Those of `find`.
pub fn work_off<T: Send, R: Send, E>(
    sharing: Sharing,
    work: impl Fn(Vec<T>) -> R + Sync,
    find: impl FnOnce(&mut dyn FnMut(T)) -> Result<(), E>,
) -> Result<Vec<R>, E> {
    let queue = Queue::default();
    let work_off = || queue.work_off(&work);
    let mut done = thread::scope(|scope| {
        let mut workers = Vec::new();
        // Whatever happens in here, nobody is left waiting.
        let closing = Closing(&queue);
        let (mut count, mut batches, mut pieces, mut done) = (0, 0, Vec::new(), Vec::new());
        let mut threads = None;
        find(&mut |piece| {
            count += 1;
            pieces.push(piece);
            if pieces.len() < sharing.pieces_at_once {
                return;
            }
            let batch = (batches, std::mem::take(&mut pieces));
            batches += 1;
            if count <= sharing.pieces_alone {
                done.push((batch.0, work(batch.1)));
                return;
            }
            queue.push(batch);
            if count <= (workers.len() + 1) * sharing.pieces_per_thread {
                return;
            }
            if workers.len() + 1 < *threads.get_or_insert_with(sharing.threads) {
                let builder = thread::Builder::new().stack_size(sharing.stack);
                // No thread to be had: the others do its work.
                workers.extend(builder.spawn_scoped(scope, work_off));
            }
        })?;
        if !pieces.is_empty() {
            queue.push((batches, pieces));
        }
        drop(closing);
        done.extend(work_off());
        for worker in workers {
            match worker.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(done)
    })?;
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Pieces with their position among all batches.
type Batch<T> = (usize, Vec<T>);

/// Batches that wait for somebody who is free.
struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    arrived: Condvar,
}

struct Waiting<T> {
    batches: VecDeque<Batch<T>>,
    is_closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let waiting = Waiting { batches: VecDeque::new(), is_closed: false };
        Self { waiting: Mutex::new(waiting), arrived: Condvar::new() }
    }
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        // Nothing in here is left half done by a panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, batch: Batch<T>) {
        self.lock().batches.push_back(batch);
        self.arrived.notify_one();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }

    /// The next batch; waits for one until the queue is closed.
    fn pop(&self) -> Option<Batch<T>> {
        let mut waiting = self.lock();
        loop {
            if let Some(batch) = waiting.batches.pop_front() {
                return Some(batch);
            }
            if waiting.is_closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work_off<R>(&self, work: &impl Fn(Vec<T>) -> R) -> Vec<(usize, R)> {
        let mut done = Vec::new();
        while let Some((at, pieces)) = self.pop() {
            done.push((at, work(pieces)));
        }
        done
    }
}

/// Closes the queue when it goes.
struct Closing<'a, T>(&'a Queue<T>);

impl<T> Drop for Closing<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STACK: usize = 128 << 10;

    fn count_to(limit: usize) -> impl FnOnce(&mut dyn FnMut(usize)) -> Result<(), &'static str> {
        move |found| {
            (0..limit).for_each(found);
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn all_pieces_are_worked_off_in_their_order(
            limit in 0..200usize,
            threads in prop::sample::select(vec![(|| 1) as fn() -> usize, || 2, || 4]),
            pieces_per_thread in 1..50usize,
            pieces_at_once in 1..20usize,
            pieces_alone in 0..60usize,
        ) {
            let sharing =
                Sharing { threads, pieces_per_thread, pieces_at_once, pieces_alone, stack: STACK };
            let done = work_off(sharing, |pieces| pieces, count_to(limit)).expect("found");
            prop_assert!(done.iter().all(|pieces| pieces.len() <= pieces_at_once));
            prop_assert_eq!(done.concat(), (0..limit).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_keeps_the_pieces_from_being_found_is_the_answer() {
        let sharing = Sharing {
            threads: || 2,
            pieces_per_thread: 1,
            pieces_at_once: 1,
            pieces_alone: 0,
            stack: STACK,
        };
        let found = work_off(
            sharing,
            |pieces: Vec<usize>| pieces,
            |found| {
                (0..10).for_each(found);
                Err("no more")
            },
        );
        assert_eq!(found, Err("no more"));
    }
}
