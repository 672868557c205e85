"""Sums over rows: the same number however the rows are cut, and nothing from padding."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import asymptotix as asx
from asymptotix.core.parameters import parameter
from asymptotix.data import slabs
from asymptotix.data.blocks import BLOCK_ROWS, leading, map_blocks, sum_blocks
from asymptotix.data.rows import Block, Rows
from asymptotix.data.slabs import SLAB_ROWS, Slabs, bucket, column_bucket, stretches
from asymptotix.data.windows import ALIGNMENT, WHOLE_BLOCKS, _untouched
from asymptotix.likelihood import generic, host_coordinates, traced_coordinates
from asymptotix.model import layout

SIZES = [1, 2, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, 2500]
LARGE = [SLAB_ROWS - 1, SLAB_ROWS, SLAB_ROWS + 1]


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def rows(n, k=2):
    rng = np.random.default_rng(n)
    weights = rng.uniform(0, 2, n)
    weights[rng.uniform(size=n) < 0.1] = 0.0
    weights[0] = 1.0
    return Rows(
        rng.uniform(0.5, 2, (n, k)),
        rng.standard_normal(n),
        weights=weights,
        weight_kind="precision",
        offset=rng.standard_normal(n),
    )


@jax.jit
def totals(block: Block):
    """Sums of several shapes; the logarithm is NaN or infinite at a padded row."""
    logs = generic.weighted(block.weight, jnp.log(block.x[:, 0]) / block.x[:, 1])
    squares = generic.weighted(block.weight, block.x * block.y[:, None])
    return {
        "logs": logs.sum(),
        "squares": squares.T @ block.x,
        "offset": block.weight @ block.offset,
    }


def expected(r: Rows):
    w, x = r.weights, r.x
    return {
        "logs": np.sum(w * np.log(x[:, 0]) / x[:, 1]),
        "squares": (x * (w * r.y)[:, None]).T @ x,
        "offset": np.sum(w * r.offset),
    }


def agree(mine, other):
    for name, value in other.items():
        scale = np.max(np.abs(value)) + 1
        np.testing.assert_allclose(mine[name], value, rtol=1e-11, atol=1e-12 * scale)


@pytest.mark.parametrize("n", SIZES + LARGE)
def test_traced_sum_is_the_plain_sum(n):
    r = rows(n)
    agree(jax.jit(lambda b: sum_blocks(totals, b))(r.block(np.float64)), expected(r))


@pytest.mark.parametrize("n", SIZES + LARGE)
def test_slab_sum_is_the_plain_sum(n):
    r = rows(n)
    agree(Slabs(r).sum(totals), expected(r))


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_the_size_of_a_slab_or_block_does_not_matter(size):
    r = rows(999)
    agree(Slabs(r, size).sum(totals), expected(r))
    agree(sum_blocks(totals, r.block(np.float64), size), expected(r))


@pytest.mark.parametrize("n", SIZES)
def test_mapped_rows_keep_their_order(n):
    r = rows(n)

    def each(block):
        return {"a": block.y * 2, "b": block.x + block.offset[:, None]}

    found = map_blocks(each, r.block(np.float64))
    np.testing.assert_array_equal(found["a"], r.y * 2)
    np.testing.assert_array_equal(found["b"], r.x + r.offset[:, None])


def test_rows_without_weights_and_offset():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (1500, 2))
    plain = Rows(x, x[:, 0])
    agree(
        Slabs(plain, 1024).sum(totals),
        expected(Rows(x, x[:, 0], np.ones(1500), "frequency", np.zeros(1500))),
    )


def test_a_slab_shares_the_memory_of_a_float64_array():
    r = rows(2000)
    first = Slabs(r, 1000).slab(0)
    assert first.x.shape == (1000, 2)
    np.testing.assert_array_equal(first.x, r.x[:1000])


def test_sizes_repeat():
    assert {bucket(n) for n in range(1, 65)} == {64}
    assert bucket(2000) == bucket(2001)
    assert all(n <= bucket(n) <= max(64, 1.5 * n) for n in range(1, 5000))
    assert all(k <= column_bucket(k) <= max(4, 2 * k) for k in range(1, 300))
    assert column_bucket(5) == column_bucket(6)


class Exponential(asx.AbstractFamily):
    """A user's family without any guard: infinite slopes at a predictor of zero."""

    name = "exponential"
    dispersion_rule = "fixed"

    def log_prob(self, eta, y):
        return -jnp.log(eta) - y / eta

    def mean(self, eta):
        return eta

    def variance(self, eta):
        return eta**2

    def sample(self, eta, *, key):
        return eta * jax.random.exponential(key, eta.shape, eta.dtype)


class NoIntercept(eqx.Module):
    """A predictor of no known structure that is zero at a padded row."""

    coef: jax.Array = parameter()

    def __call__(self, x):
        return jnp.dot(x, self.coef)


@pytest.mark.parametrize("curvature", ["observed"])
@pytest.mark.parametrize("structured", [True, False])
def test_padded_rows_contribute_nothing_where_the_kernel_is_not_finite(structured, curvature):
    x = np.array([[1.0, 2.0], [3.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    y = np.array([1.0, 2.0, 0.0, 0.0])
    block = Rows(x, y, np.array([1.0, 1, 0, 0]), "frequency").block(np.float64)
    short = Rows(x[:2], y[:2]).block(np.float64)
    theta = jnp.array([0.5, 0.8])
    if structured:
        from asymptotix.likelihood import Coordinates
        from asymptotix.likelihood import structured as path

        model = asx.Regression(asx.Linear(2), Exponential())
        c = (Coordinates(jnp.zeros(2), jnp.ones(2), jnp.zeros(2)),)
        found = [path.block_sums(model, c, curvature, theta, b) for b in (block, short)]
    else:
        model = asx.Regression(NoIntercept(jnp.zeros(2)), Exponential())
        where = layout(model)
        found = [generic.block_sums(model, where, curvature, theta, b) for b in (block, short)]
    for padded, plain in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(padded), np.asarray(plain), rtol=1e-13)
    eta = x[:2] @ np.asarray(theta)
    assert float(found[0][0]) == pytest.approx(np.sum(-np.log(eta) - y[:2] / eta), rel=1e-13)
    np.testing.assert_allclose(
        np.asarray(found[0][1]), x[:2].T @ (-1 / eta + y[:2] / eta**2), rtol=1e-13
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_traced_and_host_driver_give_the_same_digits(weighted):
    n = 70_000  # two slabs for the host, 69 blocks for the traced driver
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(n), rng.standard_normal((n, 2)) * [1, 30] + [0, 200]])
    p = 1 / (1 + np.exp(-(x @ [-2.0, 0.8, 0.01])))
    y = (rng.uniform(size=n) < p).astype(float)
    w = {"weights": rng.integers(0, 4, n) * 1.0, "weight_kind": "frequency"} if weighted else {}
    host = asx.fit(asx.Logit(3), x, y, **w)
    kind = {"weight_kind": w["weight_kind"]} if weighted else {}

    @jax.jit
    def traced_fit(x, y, arrays):
        return asx.fit(asx.Logit(3), x, y, **arrays, **kind)

    traced = traced_fit(x, y, {"weights": w["weights"]} if weighted else {})
    assert bool(host.converged)
    assert bool(traced.converged)
    for name in ("log_likelihood", "dispersion", "n", "n_rows", "sum_weights"):
        np.testing.assert_allclose(getattr(host, name), getattr(traced, name), rtol=1e-12)
    np.testing.assert_allclose(host.model.predictor.coef, traced.model.predictor.coef, rtol=1e-12)
    info = [np.asarray(asx.information(f, x, y, **w)) for f in (host, traced)]
    np.testing.assert_allclose(info[0], info[1], rtol=1e-10)


def test_small_host_fit_and_traced_fit_give_the_same_digits():
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(777), rng.standard_normal((777, 4))])
    y = rng.poisson(np.exp(x @ [0.5, 0.2, -0.1, 0.3, 0.0])).astype(float)
    host = asx.fit(asx.PoissonRegression(5), x, y)
    traced = jax.jit(lambda a, b: asx.fit(asx.PoissonRegression(5), a, b))(x, y)
    np.testing.assert_allclose(
        host.model.predictor.coef, traced.model.predictor.coef, rtol=1e-12, atol=1e-14
    )


# --- slabs that are read in place -------------------------------------------------------------


@pytest.mark.parametrize("keep", [True, False])
def test_slabs_are_cut_ahead_where_they_are_kept(keep):
    """So that the first pass finds them; none is cut again, nor held where it would be a copy."""
    slabs = Slabs(rows(3_000), 1_000, keep=keep)
    slabs.prepare()
    ahead = list(slabs.slabs)
    assert all((slab is not None) == keep for slab in ahead)
    slabs.sum(totals)
    assert all(a is b for a, b in zip(ahead, slabs.slabs, strict=True))


def test_memory_for_what_no_window_reaches_is_aligned_and_zero():
    """Whatever NumPy has been given back before: XLA reads it in place, and its zeros count."""
    np.full(200_001, 7.0)
    found = _untouched(200_001)
    assert found.ctypes.data % ALIGNMENT == 0
    assert found.shape == (200_001,)
    assert not found.any()
    found[3] = 1.0  # the caller fills it


@pytest.mark.parametrize("offset", range(8))
@pytest.mark.parametrize(
    ("n", "k"),
    [(200, 9), (256, 3), (257, 1), (193, 2), (130, 20)]
    # with as many rows in the last slab as windows need before them, and one more or less
    + [(128 + -(-7 // k) + more, k) for k in (1, 2, 3, 8) for more in (-1, 0, 1)],
)
def test_windows_cover_every_row_once(n, k, offset):
    """Whatever the address of the first row: those that no window reaches go to the last slab."""
    rng = np.random.default_rng(n + k)
    room = np.empty(n * k + 16)
    skip = (offset - room.ctypes.data // 8) % 8
    x = room[skip : skip + n * k].reshape(n, k)
    x[:] = rng.standard_normal((n, k))
    y, weights = rng.standard_normal(n), rng.random(n)
    slabs = Slabs(asx.Rows(x, y, weights=weights, weight_kind="sampling"), 64, in_place=True)
    total = slabs.sum(_moments_of_slab)
    assert np.allclose(total, [*(weights @ x), weights @ y, weights.sum()], rtol=1e-12)
    plain = Slabs(asx.Rows(x, y), 64, in_place=True)
    total = plain.sum(_moments_of_slab)
    assert np.allclose(total, [*x.sum(axis=0), y.sum(), n], rtol=1e-12, atol=1e-12)
    assert np.array_equal(plain.rowwise(lambda slab: slab.y), y)


@pytest.mark.parametrize("n", [70_000, 131_072, 200_001, 1_000_003])
def test_cores_get_as_many_rows_each(n, monkeypatch):
    monkeypatch.setattr(slabs, "cores", lambda: 2)
    x = np.empty((n, 3))
    found = stretches(x, n, SLAB_ROWS, in_place=True)
    own = [s.end - s.skip for s in found]
    assert sum(own) == n
    *windows, copied = own
    assert copied < 16
    assert all(s.last - s.first == SLAB_ROWS for s in found[:-1])
    assert len(windows) % 2 == 0
    assert max(windows) - min(windows[:-1]) == 0
    assert max(windows) - windows[-1] < len(windows) * WHOLE_BLOCKS


def test_loops_pass_over_blocks_that_do_not_count():
    """Neither summed nor computed: numbers there may be anything."""
    whole = rows(5 * BLOCK_ROWS).block(np.float64)
    first, last = BLOCK_ROWS, 3 * BLOCK_ROWS + 5
    own = (np.arange(5 * BLOCK_ROWS) >= first) & (np.arange(5 * BLOCK_ROWS) < last)
    some = whole._replace(weight=jnp.where(own, whole.weight, 0.0))
    expected = totals_by_blocks(some)
    spoilt = (
        jnp.asarray(whole.offset).at[:BLOCK_ROWS].set(jnp.nan).at[4 * BLOCK_ROWS :].set(jnp.nan)
    )
    counting = (np.int32(first), np.int32(last))
    agree(totals_by_blocks(some._replace(offset=spoilt, counting=counting)), expected)
    got = map_blocks(lambda b: b.offset, some._replace(offset=spoilt, counting=counting))
    assert np.array_equal(got[first:last], whole.offset[first:last])
    assert not got[:first].any()


@jax.jit
def totals_by_blocks(block: Block):
    return sum_blocks(totals, block)


@jax.jit
def _moments_of_slab(slab):
    return sum_blocks(
        lambda b: jnp.concatenate([b.weight @ b.x, jnp.stack([b.weight @ b.y, b.weight.sum()])]),
        slab,
        16,
    )


@pytest.mark.parametrize("intercept", [None, 0, 2])
@pytest.mark.parametrize("order", ["C", "F"])
def test_coordinates_on_the_host_are_those_of_a_program(intercept, order):
    rng = np.random.default_rng(7)
    x = rng.standard_normal((300, 4)) * [1.0, 1e3, 1e-3, 1.0] + [0.0, 5.0, -2.0, 1e4]
    x[:, 3] = 0.0
    if intercept is not None:
        x[:, intercept] = 2.5
    weights = (rng.random(300) < 0.8) * 1.0
    active = np.array([True, True, True, False])
    (host,) = host_coordinates((np.array(x, order=order),), weights, (active,))
    block = Rows(x, x[:, 0], weights=weights, weight_kind="precision").block(np.float64)
    (traced,) = traced_coordinates(lambda design: (design,), block, (active,))
    for ours, theirs in zip(host, traced, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-300)


def test_the_leading_share_of_a_slab_is_its_first_blocks():
    """Of those that count, in whole blocks; a slab's own rows before them stay uncounted."""
    size = 10 * BLOCK_ROWS
    weight = np.ones(size)
    weight[: 2 * BLOCK_ROWS + 5] = weight[-3:] = 0
    block = rows(size).block(np.float64)._replace(weight=jnp.asarray(weight))
    own = block._replace(counting=(np.int32(2 * BLOCK_ROWS + 5), np.int32(size - 3)))
    part, which = leading(own, 4)
    assert which == slice(2 * BLOCK_ROWS, 4 * BLOCK_ROWS)
    found = jax.jit(lambda b: sum_blocks(lambda each: jnp.sum(each.weight), b))(part)
    assert found == 2 * BLOCK_ROWS - 5
