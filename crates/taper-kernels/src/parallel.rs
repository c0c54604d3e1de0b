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

/// Something as long as its results, which can be cut in two.
pub(crate) trait Cut: Sized + Send {
    /// How many numbers it is.
    fn len(&self) -> usize;
    /// What is before `at`, and the rest.
    fn cut(self, at: usize) -> (Self, Self);
}

impl Cut for &[f32] {
    fn len(&self) -> usize {
        <[f32]>::len(self)
    }

    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

/// Σ f over leaves of at most 16 Ki numbers, added as a tree whose shape depends on the length alone: the same bits for any
/// number of threads. A number is `work` multiply-adds.
pub(crate) fn sum<P: Cut>(parts: P, work: usize, f: &(impl Fn(P) -> f64 + Sync)) -> f64 {
    fn tree<P: Cut>(threads: Threads, parts: P, f: &(impl Fn(P) -> f64 + Sync)) -> f64 {
        const LEAF: usize = 1 << 14;
        let n = parts.len();
        if n <= LEAF {
            return f(parts);
        }
        let (first, second) = parts.cut((n / 2).next_multiple_of(LEAF));
        if threads.is_alone() {
            return tree(threads, first, f) + tree(threads, second, f);
        }
        let (mut left, mut right) = (0.0, 0.0);
        threads.both(|t| left = tree(t, first, f), |t| right = tree(t, second, f));
        left + right
    }
    tree(Threads::worth(parts.len().saturating_mul(work)), parts, f)
}

/// Stretches of several arrays, and where they begin.
struct Stretch<'a, const N: usize> {
    start: usize,
    x: [&'a mut [f32]; N],
}

impl<const N: usize> Cut for Stretch<'_, N> {
    fn len(&self) -> usize {
        self.x[0].len()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let mut second = [(); N].map(|()| <&mut [f32]>::default());
        let mut rest = second.iter_mut();
        let first = self.x.map(|x| {
            let (before, behind) = x.split_at_mut(at.min(x.len()));
            if let Some(rest) = rest.next() {
                *rest = behind;
            }
            before
        });
        (Self { start: self.start, x: first }, Self { start: self.start + at, x: second })
    }
}

/// Calls `f` with stretches of all of `x` and where they begin, perhaps at the same time; what is not as long as the first is empty.
/// What it does to a number must depend on its place alone, and on what is at that place. A place is worth `work` multiply-adds.
/// Returns the sum of what `f` returns, the same bits for any number of threads.
pub fn stretches<const N: usize>(
    x: [&mut [f32]; N],
    work: usize,
    f: &(dyn Fn(usize, [&mut [f32]; N]) -> f64 + Sync),
) -> f64 {
    let n = x[0].len();
    assert!(x.iter().all(|x| x.is_empty() || x.len() == n));
    sum(Stretch { start: 0, x }, work, &|part: Stretch<'_, N>| f(part.start, part.x))
}

/// Calls `f` with pieces of `unit` rows, of which the last may be smaller: how many rows, and their parts of the arrays, which are
/// all a multiple of `rows` long. Threads share the pieces if `work` multiply-adds are worth it; the kernels within `f` share the
/// threads that are left.
///
/// For a long way that every row goes by itself: threads then wait for each other once, at its end.
pub fn share_rows<const R: usize, const W: usize>(
    rows: usize,
    unit: usize,
    work: usize,
    read: [&[f32]; R],
    write: [&mut [f32]; W],
    f: impl Fn(usize, [&[f32]; R], [&mut [f32]; W]) + Sync,
) {
    let mut lens = read.iter().map(Cut::len).chain(write.iter().map(|x| x.len()));
    assert!(unit > 0 && lens.all(|len| len.is_multiple_of(rows)));
    share_pieces(Threads::worth(work), (rows, unit), read, write, &f);
}

fn share_pieces<const R: usize, const W: usize>(
    threads: Threads,
    (rows, unit): (usize, usize),
    read: [&[f32]; R],
    write: [&mut [f32]; W],
    f: &(impl Fn(usize, [&[f32]; R], [&mut [f32]; W]) + Sync),
) {
    if rows <= unit {
        return lend(threads.count, threads.join, || f(rows, read, write));
    }
    let at = Threads { count: threads.count.max(2), ..threads }.cut(rows, unit).max(unit);
    let first = read.map(|x| &x[..x.len() / rows * at]);
    let second = read.map(|x| &x[x.len() / rows * at..]);
    let mut first_out = [(); W].map(|()| &mut [][..]);
    let mut second_out = [(); W].map(|()| &mut [][..]);
    for ((x, first), second) in write.into_iter().zip(&mut first_out).zip(&mut second_out) {
        let middle = x.len() / rows * at;
        (*first, *second) = x.split_at_mut(middle);
    }
    let first = |threads| share_pieces(threads, (at, unit), first, first_out, f);
    let second = |threads| share_pieces(threads, (rows - at, unit), second, second_out, f);
    if threads.is_alone() {
        first(threads);
        second(threads);
    } else {
        threads.both(first, second);
    }
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

    #[test]
    fn every_row_is_done_once_in_the_same_pieces() {
        for (rows, unit, threads) in [(1, 4, 2), (7, 4, 2), (8, 4, 2), (33, 16, 3), (100, 12, 7), (5, 9, 4)] {
            let x: Vec<f32> = (0..rows * 3).map(|i| i as f32).collect();
            let (mut y, mut pieces) = (vec![0.0; rows * 2], vec![0.0; rows]);
            lend(threads, on_two_threads, || {
                share_rows(rows, unit, SHARE * 100, [&x, &[]], [&mut y, &mut pieces], |n, [x, none], [y, pieces]| {
                    assert!((x.len(), y.len(), pieces.len(), none.len()) == (n * 3, n * 2, n, 0));
                    pieces.iter_mut().for_each(|piece| *piece += n as f32);
                    y.chunks_exact_mut(2).zip(x.chunks_exact(3)).for_each(|(y, x)| y[1] += x[0]);
                });
            });
            assert!((0..rows).all(|i| y[2 * i] == 0.0 && y[2 * i + 1] == 3.0 * i as f32));
            assert!((0..rows).all(|i| pieces[i] == unit.min(rows - i / unit * unit) as f32));
        }
    }

    #[test]
    fn sums_do_not_depend_on_threads_and_stretches_tile() {
        let x: Vec<f32> = (0..1_234_567).map(|i| (i as f32).sin()).collect();
        let leaf = |x: &[f32]| x.iter().map(|x| f64::from(*x)).sum::<f64>();
        let alone = sum(&x[..], 4, &leaf);
        assert!((alone - leaf(&x)).abs() < 1e-6);
        for threads in 2..6 {
            let (mut shared, mut told, mut y, mut z) = (0.0, 0.0, vec![0.0; x.len()], vec![0.0; x.len()]);
            lend(threads, on_two_threads, || {
                shared = sum(&x[..], 4, &leaf);
                told = stretches([&mut y, &mut [], &mut z], 4, &|start, [y, none, z]| {
                    assert!(none.is_empty());
                    let part = &x[start..start + y.len()];
                    y.iter_mut()
                        .zip(z)
                        .enumerate()
                        .for_each(|(i, (y, z))| (*y, *z) = ((start + i) as f32, *z + *y + 1.0));
                    leaf(part)
                });
            });
            assert_eq!((shared.to_bits(), told.to_bits()), (alone.to_bits(), alone.to_bits()));
            assert!(y.iter().enumerate().all(|(i, y)| *y == i as f32) && z.iter().all(|z| *z == 1.0));
        }
    }
}
