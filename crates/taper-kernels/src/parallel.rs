//! Large work in two halves, perhaps at the same time.
//!
//! This crate starts no threads. Who has some lends them for the time of a call, and kernels whose work is large enough cut it
//! into as many shares. Work is cut between results, never within a sum, so the bits do not depend on the shares.

use std::cell::Cell;

/// Runs both, in any order or at the same time, and returns when both are done.
pub type Join = fn(&mut (dyn FnMut() + Send), &mut (dyn FnMut() + Send));

thread_local! {
    static LENT: Cell<Option<Threads>> = const { Cell::new(None) };
}

/// So many threads, and how to give them something to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threads {
    count: usize,
    join: Join,
}

/// Calls `f`. Kernels that it calls on this thread may share large work between `count` threads by means of `join`.
pub fn lend<R>(count: usize, join: Join, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Threads>);
    impl Drop for Restore {
        fn drop(&mut self) {
            LENT.set(self.0);
        }
    }
    let _restore = Restore(LENT.replace(Some(Threads { count: count.max(1), join })));
    f()
}

/// Multiply-adds (or what takes as long) that are worth a thread of their own: some 10 µs.
const SHARE: usize = 1 << 19;

impl Threads {
    /// As many as are lent and `work` is worth.
    pub(crate) fn worth(work: usize) -> Self {
        let alone = Self { count: 1, join: |a, b| (a(), b()).1 };
        LENT.get().map_or(alone, |lent| Self { count: lent.count.min(work / SHARE).max(1), ..lent })
    }

    /// Whether there is nobody to share with.
    pub(crate) fn is_alone(self) -> bool {
        self.count == 1
    }

    /// Where to cut `n` things, at a multiple of `unit`, so that both halves of the threads have the same share.
    pub(crate) fn cut(self, n: usize, unit: usize) -> usize {
        (n.div_ceil(unit) * (self.count / 2) / self.count * unit).min(n)
    }

    /// Both halves of the work, each with its half of the threads.
    pub(crate) fn both(self, first: impl FnOnce(Self) + Send, second: impl FnOnce(Self) + Send) {
        let half = self.count / 2;
        let (mut first, mut second) = (Some(first), Some(second));
        (self.join)(
            &mut || first.take().into_iter().for_each(|first| first(Self { count: half, ..self })),
            &mut || second.take().into_iter().for_each(|second| second(Self { count: self.count - half, ..self })),
        );
    }
}

/// Rows whose products make good use of the registers: no share ends within them.
const ROWS: usize = 4;

/// Calls `f` with all rows, or with each thread's share of them if `work` is worth it: how many rows, and their parts of the arrays,
/// all of which have `rows` rows. Within `f`, kernels share no further.
///
/// For a step of several kernels that meet row by row: threads then wait for each other once, not after every kernel.
pub fn share_rows<const R: usize, const W: usize>(
    rows: usize,
    work: usize,
    read: [&[f32]; R],
    write: [&mut [f32]; W],
    f: impl Fn(usize, [&[f32]; R], [&mut [f32]; W]) + Sync,
) {
    assert!(read.iter().map(|x| x.len()).chain(write.iter().map(|x| x.len())).all(|len| len.is_multiple_of(rows)));
    share_rows_of(Threads::worth(work), rows, read, write, &f);
}

fn share_rows_of<const R: usize, const W: usize>(
    threads: Threads,
    rows: usize,
    read: [&[f32]; R],
    write: [&mut [f32]; W],
    f: &(impl Fn(usize, [&[f32]; R], [&mut [f32]; W]) + Sync),
) {
    let at = threads.cut(rows, ROWS);
    if threads.is_alone() || at == 0 {
        return lend(1, threads.join, || f(rows, read, write));
    }
    let first = read.map(|x| &x[..x.len() / rows * at]);
    let second = read.map(|x| &x[x.len() / rows * at..]);
    let mut first_out = [(); W].map(|()| &mut [][..]);
    let mut second_out = [(); W].map(|()| &mut [][..]);
    for ((x, first), second) in write.into_iter().zip(&mut first_out).zip(&mut second_out) {
        let middle = x.len() / rows * at;
        (*first, *second) = x.split_at_mut(middle);
    }
    threads.both(|t| share_rows_of(t, at, first, first_out, f), |t| share_rows_of(t, rows - at, second, second_out, f));
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two threads of the standard library.
    pub(crate) fn on_two_threads(first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        std::thread::scope(|scope| {
            scope.spawn(first);
            second();
        });
    }

    #[test]
    fn every_row_is_done_once() {
        for (rows, threads) in [(1, 2), (7, 2), (8, 2), (33, 3), (100, 7)] {
            let x: Vec<f32> = (0..rows * 3).map(|i| i as f32).collect();
            let (mut y, mut count) = (vec![0.0; rows * 2], vec![0.0; rows]);
            lend(threads, on_two_threads, || {
                share_rows(rows, SHARE * 100, [&x], [&mut y, &mut count], |rows, [x], [y, count]| {
                    assert!((x.len(), y.len(), count.len()) == (rows * 3, rows * 2, rows));
                    assert!(Threads::worth(usize::MAX).is_alone());
                    for i in 0..rows {
                        y[2 * i] += x[3 * i];
                        count[i] += 1.0;
                    }
                });
            });
            assert!(count.iter().all(|count| *count == 1.0));
            assert!((0..rows).all(|i| y[2 * i] == 3.0 * i as f32 && y[2 * i + 1] == 0.0));
        }
    }

    #[test]
    fn threads_are_lent_for_one_call() {
        assert!(Threads::worth(usize::MAX).is_alone());
        lend(5, on_two_threads, || {
            assert!(Threads::worth(SHARE).is_alone());
            let threads = Threads::worth(SHARE * 100);
            assert_eq!((threads.count, threads.cut(100, 10), threads.cut(3, 10)), (5, 40, 0));
            threads.both(|two| assert_eq!(two.count, 2), |three| assert_eq!(three.count, 3));
        });
        assert!(Threads::worth(usize::MAX).is_alone());
    }
}
