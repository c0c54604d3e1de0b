//! Walks over weights and what belongs to them, tails included.

use pulp::Simd;

/// Walks over weights, gradients and two moments together, tails included.
#[inline(always)]
pub(super) fn walk<S: Simd>(
    simd: S,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    step: impl Fn(S::f32s, S::f32s, S::f32s, S::f32s) -> (S::f32s, S::f32s, S::f32s),
) {
    let n = w.len();
    assert!(g.len() == n && m.len() == n && v.len() == n);
    let (w_head, w_tail) = S::as_mut_simd_f32s(w);
    let (g_head, g_tail) = S::as_simd_f32s(g);
    let (m_head, m_tail) = S::as_mut_simd_f32s(m);
    let (v_head, v_tail) = S::as_mut_simd_f32s(v);
    for (((w, g), m), v) in w_head.iter_mut().zip(g_head).zip(m_head).zip(v_head) {
        (*w, *m, *v) = step(*w, *g, *m, *v);
    }
    if !w_tail.is_empty() {
        let (w, m, v) = step(
            simd.partial_load_f32s(w_tail),
            simd.partial_load_f32s(g_tail),
            simd.partial_load_f32s(m_tail),
            simd.partial_load_f32s(v_tail),
        );
        simd.partial_store_f32s(w_tail, w);
        simd.partial_store_f32s(m_tail, m);
        simd.partial_store_f32s(v_tail, v);
    }
}

/// Walks over weights, gradients and one moment.
#[inline(always)]
pub(super) fn walk_one<S: Simd>(
    simd: S,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    step: impl Fn(S::f32s, S::f32s, S::f32s) -> (S::f32s, S::f32s),
) {
    let n = w.len();
    assert!(g.len() == n && m.len() == n);
    let (w_head, w_tail) = S::as_mut_simd_f32s(w);
    let (g_head, g_tail) = S::as_simd_f32s(g);
    let (m_head, m_tail) = S::as_mut_simd_f32s(m);
    for ((w, g), m) in w_head.iter_mut().zip(g_head).zip(m_head) {
        (*w, *m) = step(*w, *g, *m);
    }
    if !w_tail.is_empty() {
        let (w, m) =
            step(simd.partial_load_f32s(w_tail), simd.partial_load_f32s(g_tail), simd.partial_load_f32s(m_tail));
        simd.partial_store_f32s(w_tail, w);
        simd.partial_store_f32s(m_tail, m);
    }
}
