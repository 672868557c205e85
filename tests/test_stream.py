"""Fits of streams: the same digits as in memory, by passes that never hold all rows."""

import duckdb
import jax
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
import statsmodels.api as sm
from pyarrow import csv, parquet

import asymptotix as asx
from asymptotix.core.errors import FitWarning, InputError, MissingRowsWarning
from asymptotix.data import batches, streamed
from asymptotix.data.moments import merged, settled
from asymptotix.data.slabs import SLAB_ROWS, cores
from asymptotix.data.tally import SAMPLE_ROWS, Spread
from asymptotix.fitting.checkpoint import Checkpoint

N = 70_000
"""Rows of the tests' data: more than a slab, so that nothing is read as a whole."""
assert N > SLAB_ROWS


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(7)
    data = pd.DataFrame(
        {
            "x": random.normal(size=N),
            "z": random.exponential(size=N),
            "g": random.choice(["north", "south", "west"], N),
            "w": random.integers(0, 4, N).astype(float),
            "o": 0.1 * random.normal(size=N),
            "firm": random.integers(0, 300, N),
            "big": random.integers(0, 67_000, N),
        }
    )
    eta = 0.3 * data.x - 0.2 * data.z + 0.5 * (data.g == "south")
    data["y"] = (random.uniform(size=N) < 1 / (1 + np.exp(-eta))).astype(int)
    data["bought"] = np.where(data.y == 1, "yes", "no")
    data["count"] = random.poisson(np.exp(0.2 * eta))
    data["v"] = eta + random.normal(size=N)
    data["trials"] = random.integers(1, 6, N)
    data["hits"] = random.binomial(data.trials, 1 / (1 + np.exp(-eta)))
    data.loc[random.choice(N, 300, replace=False), "x"] = np.nan
    data.loc[random.choice(N, 300, replace=False), "g"] = None
    data.loc[N - 9 :, "g"] = "rare"  # a level that no sample would find
    return data


@pytest.fixture(scope="module")
def folder(frame, tmp_path_factory):
    """Files of uneven length, in row groups smaller than a slab."""
    path = tmp_path_factory.mktemp("parts")
    for i, (first, last) in enumerate([(0, 30_001), (30_001, 30_090), (30_090, N)]):
        frame.iloc[first:last].to_parquet(path / f"{i}.parquet", row_group_size=9_000)
    return path


def same(stream, memory, *, tolerance=1e-10):
    """The numbers of two fits of the same rows."""
    np.testing.assert_allclose(stream.params, memory.params, rtol=tolerance)
    np.testing.assert_allclose(stream.bse, memory.bse, rtol=tolerance)
    np.testing.assert_allclose(stream.llf, memory.llf, rtol=1e-12)
    np.testing.assert_allclose(stream.llnull, memory.llnull, rtol=1e-11)
    np.testing.assert_allclose(stream.deviance, memory.deviance, rtol=1e-10)
    assert (stream.names, stream.nobs, stream.dropped, stream.status, stream.event) == (
        memory.names, memory.nobs, memory.dropped, memory.status, memory.event
    )  # fmt: skip
    assert isinstance(stream.inputs.streamed, streamed.StreamedRows)


@pytest.fixture(scope="module")
def logits(frame, folder):
    """A logit on the stream and in memory, which warn of the same missing rows."""
    formula = "y ~ x + np.log(z) + C(g) + x:g"
    with pytest.warns(MissingRowsWarning) as first:
        stream = asx.logit(formula, str(folder / "*.parquet"))
    with pytest.warns(MissingRowsWarning) as second:
        memory = asx.logit(formula, frame)
    assert str(first[0].message) == str(second[0].message)
    return stream, memory


def test_a_folder_gives_the_digits_of_the_frame(logits):
    same(*logits)


def test_the_stream_agrees_with_statsmodels(frame, folder):
    """An oracle outside: Newton's method of statsmodels on the whole frame."""
    res = asx.logit("y ~ z + o", str(folder))
    oracle = sm.Logit(frame.y, sm.add_constant(frame[["z", "o"]])).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(res.params, oracle.params, rtol=1e-9)
    np.testing.assert_allclose(res.bse, oracle.bse, rtol=1e-8)
    share = frame.y.mean()  # the null model by hand
    entropy = share * np.log(share) + (1 - share) * np.log(1 - share)
    np.testing.assert_allclose(res.llnull, N * entropy, rtol=1e-12)


@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC3", "opg", "expected", asx.Cluster("firm")])
def test_covariances_over_a_stream(logits, cov):
    stream, memory = (res.with_cov(cov) for res in logits)
    np.testing.assert_allclose(stream.bse, memory.bse, rtol=1e-10)
    assert stream.reference == memory.reference


def test_clusters_of_which_there_are_more_than_rows_in_a_slab(logits):
    stream, memory = (res.with_cov(asx.Cluster("firm", "big")) for res in logits)
    np.testing.assert_allclose(stream.bse, memory.bse, rtol=1e-10)


@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
def test_scales_are_those_of_all_rows(frame, folder):
    formula = "v ~ scale(x) + standardize(z) + center(o) + scale(w, center=False, ddof=0)"
    same(*(asx.linear(formula, data, cov="HC1") for data in (str(folder), frame)))


@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
@pytest.mark.parametrize("kind", ["frequency", "precision"])
def test_weights_and_offsets(frame, folder, kind):
    options = {"weights": "w", "weight_kind": kind, "offset": "o"}
    same(*(asx.poisson("count ~ x + g", d, **options) for d in (str(folder), frame)))


def test_labels_trials_and_levels(frame, folder):
    same(*(asx.logit("bought ~ z", data) for data in (str(folder), frame)))
    same(
        *(
            asx.glm("hits ~ z", data, asx.Binomial(), trials="trials")
            for data in (str(folder), frame)
        )
    )


def batches_of(frame):
    return pa.Table.from_pandas(frame).to_batches(max_chunksize=9_999)


@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
@pytest.mark.filterwarnings("ignore::asymptotix.CollinearWarning")
def test_kinds_of_columns_that_single_batches_do_not_show(frame):
    """A bool missing once, levels in a declared order, a year that is constant in whole batches."""
    order = ["west", "rare", "south", "north", "none"]
    data = frame.dropna().assign(
        flag=lambda d: (d.w > 1).astype("boolean").where(d.index != N - 1),
        side=lambda d: pd.Categorical(d.g, categories=order),
        year=np.sort(frame.firm.to_numpy()[: len(frame.dropna())] % 7 + 2000),
    )
    formula = "v ~ flag + side + scale(year) + C(trials)"
    same(*(asx.linear(formula, source) for source in (batches_of(data), data)))


def test_penalties_and_several_levels(frame):
    data = frame.dropna()
    ridge = asx.Ridge(3.0, standardise=True)
    same(*(asx.logit("y ~ z + o", d, penalty=ridge) for d in (batches_of(data), data)))
    stream, memory = (asx.glm("g ~ z", d, asx.Multinomial()) for d in (batches_of(data), data))
    np.testing.assert_allclose(stream.bse, memory.bse, rtol=1e-10)
    assert stream.levels == memory.levels


def test_a_given_spline_is_no_estimate(frame, folder):
    formula = "y ~ bs(z, knots=[1.0, 2.0], lower_bound=0, upper_bound=20, degree=3)"
    same(*(asx.logit(formula, data) for data in (str(folder), frame)), tolerance=1e-8)


@pytest.fixture(scope="module")
def plain(frame):
    return asx.logit("y ~ z + firm", frame)


@pytest.mark.parametrize("kind", ["dataset", "list", "lazy", "duckdb", "capsule", "csv"])
def test_every_kind_of_source(frame, folder, plain, kind, tmp_path):
    used = pa.Table.from_pandas(frame[["y", "z", "firm"]])
    if kind == "csv":
        csv.write_csv(used, tmp_path / "data.csv")
    sources = {
        "dataset": lambda: ds.dataset(str(folder)),
        "list": lambda: used.to_batches(max_chunksize=7_001),
        "lazy": lambda: pl.scan_parquet(folder / "*.parquet"),
        "duckdb": lambda: duckdb.from_arrow(used),
        "capsule": lambda: Capsule(used),
        "csv": lambda: asx.stream(tmp_path / "data.csv"),
    }
    same(asx.logit("y ~ z + firm", sources[kind]()), plain)


class Capsule:
    """Nothing but the protocol."""

    def __init__(self, table):
        self.table, self.asked = table, 0

    def __arrow_c_stream__(self, requested_schema=None):
        self.asked += 1
        return self.table.__arrow_c_stream__(requested_schema)


def test_a_source_of_one_slab_is_read_into_memory(frame):
    few = frame.iloc[:500]
    res = asx.logit("y ~ z", pa.Table.from_pandas(few).to_batches(max_chunksize=90))
    assert res.inputs.streamed is None
    np.testing.assert_allclose(res.bse, asx.logit("y ~ z", few).bse, rtol=1e-12)
    assert len(res.predict()) == 500


def test_single_small_files_are_read_at_once(frame, tmp_path):
    frame.to_parquet(tmp_path / "one.parquet")
    path = tmp_path / "one.parquet"
    whole = asx.logit("y ~ z", path)
    assert whole.inputs.streamed is None
    same(asx.logit("y ~ z", asx.stream(path)), whole)


# --- what a stream refuses ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ bs(z, df=4)", "knots"),
        ("y ~ poly(z, 2)", "write powers"),
        ("y ~ lag(z)", "depends on other rows"),
        ("y ~ I(z - z.mean())", "depends on other rows"),
        ("I(z > z.mean()) ~ o", "depends on other rows"),
        ("y ~ scale(center(z))", "two passes"),
        ("y ~ missing", "missing"),
        ("v ~ z", "0 or 1"),
    ],
)
@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
def test_terms_that_need_all_rows_are_refused(folder, formula, said):
    with pytest.raises(InputError, match=said):
        asx.logit(formula, str(folder))


@pytest.mark.parametrize(
    ("formula", "verb"),
    [
        ("y ~ nothing", asx.logit),
        ("g ~ z", asx.linear),
        ("w ~ z", asx.logit),
        ("v ~ z", asx.poisson),
    ],
)
def test_messages_are_those_of_data_in_memory(frame, folder, formula, verb):
    found = []
    for data in (str(folder), frame.dropna()):
        with pytest.raises(InputError) as error:
            verb(formula, data)
        found.append((error.value.code, error.value.column))
    assert found[0] == found[1]


def test_missing_rows_can_be_refused(folder):
    with pytest.raises(InputError) as error:
        asx.logit("y ~ x", str(folder), missing="raise")
    assert error.value.code == "missing_values"


def test_arrays_beside_a_stream_are_refused(folder):
    with pytest.raises(InputError, match="name of one of its columns"):
        asx.logit("y ~ z", str(folder), offset=np.zeros(N))


def test_what_can_be_read_once_is_no_stream(frame):
    reader = pa.Table.from_pandas(frame[["y", "z"]]).to_reader()
    with pytest.raises(InputError, match="only once"):
        asx.stream(reader)


def test_an_empty_pattern_and_another_type(tmp_path):
    with pytest.raises(InputError, match=r"no \.parquet or \.csv"):
        asx.logit("y ~ z", str(tmp_path / "*.parquet"))
    with pytest.raises(InputError, match="cannot be read in stretches"):
        asx.stream(3.0)


def test_a_response_of_one_value(frame):
    constant = pa.Table.from_pandas(frame.assign(y=1)[["y", "z"]]).to_batches()
    with pytest.raises(InputError) as error:
        asx.logit("y ~ z", constant)
    assert error.value.code == "constant_response"


# --- sources that change, fits that fail ---------------------------------------------------------


class Changing:
    """A source that yields other rows from some reading on."""

    def __init__(self, tables):
        self.tables, self.asked = tables, 0

    def __arrow_c_stream__(self, requested_schema=None):
        self.asked += 1
        return self.tables[self.asked > 3].__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("how", ["number", "order", "values"])
def test_a_source_that_changes_between_passes(frame, how):
    first = pa.Table.from_pandas(frame[["y", "z"]])
    second = {
        "number": first.slice(0, N - 10),
        "order": first.take(np.r_[1:N, 0]),
        "values": pa.Table.from_pandas(frame.assign(z=frame.z * 1.001)[["y", "z"]]),
    }[how]
    with pytest.raises(InputError, match="read again") as error:
        asx.logit("y ~ z", Changing([first, second]))
    assert error.value.code == "source_changed"


def test_separated_data_are_found_out(frame):
    data = frame[["z", "o"]].assign(y=(frame.z > 1).astype(int))
    with pytest.warns(FitWarning, match="separated"):
        res = asx.logit("y ~ z", pa.Table.from_pandas(data).to_batches())
    assert res.status == "separated"
    small = asx.stream(pa.Table.from_pandas(data).to_batches(), memory=1000)
    with pytest.warns(FitWarning, match="diverging"):
        res = asx.logit("y ~ z", small)
    assert res.status == "diverging"
    assert res.bse.isna().all()


@pytest.mark.filterwarnings("ignore::asymptotix.CollinearWarning")
def test_collinear_columns_are_left_out(frame, folder):
    formula = "y ~ z + o + I(2 * z - o)"
    stream, memory = (asx.logit(formula, data) for data in (str(folder), frame))
    np.testing.assert_allclose(stream.bse, memory.bse, rtol=1e-9)
    assert stream.params.isna().sum() == 1


# --- a fit that was cut off ----------------------------------------------------------------------


def test_a_checkpoint_goes_on_where_it_stood(frame, folder, tmp_path, monkeypatch):
    path, saved = tmp_path / "fit.npz", []
    save = Checkpoint.save

    def cut_off(self, state, coordinates):
        save(self, state, coordinates)
        saved.append(int(state.steps))
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        asx.poisson("count ~ z + o", str(folder), checkpoint=path)
    assert path.exists()
    with pytest.raises(InputError, match="belongs to another"):
        asx.poisson("count ~ z", str(folder), checkpoint=path)
    res = asx.poisson("count ~ z + o", str(folder), checkpoint=path)
    assert saved[2] == saved[1] + 1  # not from the start again
    assert not path.exists()
    same(res, asx.poisson("count ~ z + o", frame))


def test_a_checkpoint_that_cannot_be_used(frame, folder, tmp_path):
    with pytest.raises(InputError, match="are in memory"):
        asx.logit("y ~ z", frame, checkpoint=tmp_path / "fit.npz")
    with pytest.raises(InputError, match=r"\.npz"):
        asx.logit("y ~ z", str(folder), checkpoint=tmp_path / "fit.pickle")
    (tmp_path / "fit.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="cannot be read"):
        asx.logit("y ~ z", str(folder), checkpoint=tmp_path / "fit.npz")


# --- what comes after a fit ----------------------------------------------------------------------


def test_predictions_are_written_batch_by_batch(logits, frame, folder, tmp_path):
    stream, memory = logits
    path = tmp_path / "fitted.parquet"
    stream.predict(path=path)
    written = parquet.read_table(path)
    np.testing.assert_allclose(written["mean"].to_pandas(), memory.predict(), rtol=1e-12)
    assert parquet.ParquetFile(path).num_row_groups == -(-N // SLAB_ROWS)
    np.testing.assert_allclose(stream.predict(type="link"), memory.predict(type="link"), rtol=1e-9)
    again = memory.predict(str(folder), path=tmp_path / "other.parquet")
    assert again == tmp_path / "other.parquet"
    pd.testing.assert_frame_equal(written.to_pandas(), pd.read_parquet(again))


def same_table(stream, memory):
    """Two tables of effects, of fits that each stop within 1e-8 standard errors of the maximum."""
    found, expected = stream.frame, memory.frame
    assert list(found) == list(expected)
    gap = np.abs(found["estimate"] - expected["estimate"]) / expected["std.error"]
    assert (gap < 3e-8).all()
    np.testing.assert_allclose(found["std.error"], expected["std.error"], rtol=3e-8)
    for name in expected:
        if pd.api.types.is_numeric_dtype(expected[name]):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-7)
        else:
            assert found[name].astype(str).tolist() == expected[name].astype(str).tolist()


@pytest.fixture(scope="module")
def effects(frame):
    """A stream that allows no row in memory, and the same fit in memory."""
    data = frame.dropna()
    formula = "y ~ x + I(x**2) + z + C(g)"
    small = asx.stream(batches_of(data), memory=1_000)
    return asx.logit(formula, small), asx.logit(formula, data)


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("avg_slopes", {}),
        ("avg_slopes", {"by": ["g", "trials"], "variables": ["z", "x"]}),
        ("avg_slopes", {"slope": "eyex", "variables": "z"}),
        ("avg_slopes", {"type": "link", "vcov": "HC1", "hypothesis": "b1 = b2"}),
        ("avg_predictions", {"by": "g"}),
        ("avg_predictions", {"variables": {"x": [0, 1], "g": ["north", "west"]}}),
        ("avg_comparisons", {"variables": {"x": "sd", "z": "minmax", "g": "pairwise"}}),
        ("avg_comparisons", {"weights": "w", "comparison": "ratio", "variables": "g"}),
        (
            "avg_comparisons",
            {"variables": "x", "method": "simulation", "key": jax.random.key(1), "n_draws": 9},
        ),
    ],
)
def test_average_effects_take_a_stretch_at_a_time(effects, verb, options):
    same_table(*(getattr(res, verb)(**options) for res in effects))


@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
@pytest.mark.parametrize("kind", ["frequency", "sampling"])
def test_spreads_over_a_stream_are_those_of_the_rows_of_the_fit(frame, kind):
    weights = {"weights": "w", "weight_kind": kind}
    holes = frame.assign(z=frame["z"] + (frame["x"].isna() | (frame["w"] == 0)))
    stream = asx.logit("y ~ x + z", asx.stream(batches_of(holes), memory=1_000), **weights)
    memory = asx.logit("y ~ x + z", holes, **weights)
    asked = {"variables": {"z": "minmax", "x": "2sd"}, "comparison": "ratio"}
    same_table(*(res.avg_comparisons(**asked) for res in (stream, memory)))


@pytest.mark.filterwarnings("ignore::asymptotix.CollinearWarning")
def test_effects_of_collinear_columns_over_a_stream(frame):
    """In one group the relation is broken, and in the other it holds."""
    data = frame.dropna().assign(south=lambda d: (d["g"] == "south") * 1.0)
    formula = "y ~ z + I(2 * z) + south + C(g)"
    stream = asx.logit(formula, asx.stream(batches_of(data), memory=1_000))
    memory = asx.logit(formula, data)
    assert memory.params.isna().sum() == 2
    same_table(*(res.avg_comparisons(variables="z") for res in (stream, memory)))
    asked = {"variables": {"g": ("north", "west")}, "by": "south"}
    found, expected = (res.avg_comparisons(**asked).frame for res in (stream, memory))
    for table in (found, expected):
        assert list(np.isnan(table["estimate"])) == [False, True]
    numbers = ["estimate", "std.error", "conf.low"]
    np.testing.assert_allclose(found[numbers], expected[numbers], rtol=1e-6)


def test_average_effects_over_another_stream(effects, frame):
    _, memory = effects
    new = frame.dropna().iloc[: N - 2_000]
    found = memory.avg_slopes(newdata=asx.stream(batches_of(new), memory=1_000), variables="z")
    same_table(found, memory.avg_slopes(newdata=new, variables="z"))


def test_average_effects_with_weights_that_are_zero_in_a_whole_stretch(frame):
    data = frame[["y", "x", "z"]].dropna().assign(v=lambda d: 1.0 * (np.arange(len(d)) > SLAB_ROWS))
    stream = asx.logit("y ~ x", asx.stream(batches_of(data), memory=1_000))
    memory = asx.logit("y ~ x", data)
    same_table(*(res.avg_slopes(weights="v") for res in (stream, memory)))
    kinds = {"weights": "v", "weight_kind": "frequency"}
    stream = asx.logit("y ~ x", asx.stream(batches_of(data), memory=1_000), **kinds)
    same_table(*(r.avg_slopes() for r in (stream, asx.logit("y ~ x", data, **kinds))))


def test_what_average_effects_over_a_stream_refuse(effects):
    stream, _ = effects
    with pytest.raises(InputError, match="'iqr' needs all values"):
        stream.avg_comparisons(variables={"z": "iqr"})
    with pytest.raises(InputError, match="name of one of its columns"):
        stream.avg_slopes(weights=np.ones(3))
    with pytest.raises(InputError, match="memory=bytes"):
        stream.avg_slopes(newdata="mean")


def test_other_verbs_read_the_columns_into_memory_if_they_fit(logits):
    stream, memory = logits
    found, expected = (
        np.asarray(res.slopes(variables="z").frame["estimate"]) for res in (stream, memory)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found.size
    assert "y ~ x" in repr(stream)


@pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning")
def test_a_stream_of_which_few_rows_are_complete(frame):
    data = frame.assign(x=frame.x.where(frame.index % 9 == 0))
    stream, memory = (asx.logit("y ~ x", d, cov="HC1") for d in (batches_of(data), data))
    assert memory.nobs < SLAB_ROWS / 8
    same(stream, memory)


def test_verbs_that_need_too_much_memory_say_so(folder):
    res = asx.logit("y ~ z", asx.stream(folder, memory=10_000))
    with pytest.raises(InputError, match="memory=bytes"):
        res.with_cov(asx.HAC(bandwidth=2))
    with pytest.raises(InputError, match="memory=bytes"):
        res.slopes(variables="z")


# --- the machinery -------------------------------------------------------------------------------


def test_only_a_few_slabs_are_alive_at_once(monkeypatch):
    """Slabs that were read, less slabs whose sums are known."""
    counts = {"read": 0, "done": 0, "most": 0}
    size = 1_000
    monkeypatch.setattr(streamed, "SLAB_ROWS", size)

    def read():
        for _ in range(60):
            counts["read"] += 1
            counts["most"] = max(counts["most"], counts["read"] - counts["done"])
            yield asx.Rows(np.ones((size, 2)), np.ones(size))

    sample = asx.Rows(np.ones((3, 2)), np.ones(3))
    rows = streamed.StreamedRows(read, 60 * size, 60.0 * size, 60 * size, None, sample)

    def once(block):
        counts["done"] += 1
        return block.y.sum()

    assert streamed.StreamedSlabs(rows).sum(once) == 60 * size
    assert counts["read"] == counts["done"] == 60
    assert counts["most"] <= cores() + 2


def test_rows_of_positive_weight_in_order(monkeypatch):
    monkeypatch.setattr(streamed, "SLAB_ROWS", 1_000)
    weights = np.arange(2_300) % 3 * 1.0
    whole = asx.Rows(np.ones((2_300, 2)), np.ones(2_300), weights=weights, weight_kind="sampling")
    rows = streamed.StreamedRows(
        lambda: iter([whole]), whole.n, weights.sum(), int(np.sum(weights > 0)), "sampling", whole
    )
    assert np.array_equal(rows.present, weights > 0)


def test_clusters_of_weighted_rows(tmp_path):
    """Rows of weight zero belong to no cluster, in a stream as in a frame."""
    rng = np.random.default_rng(0)
    n = 70_000  # more than a slab
    data = pd.DataFrame({"x": rng.standard_normal(n), "g": rng.integers(0, 300, n)})
    data["y"] = (rng.random(n) < 0.5).astype(float)
    data["w"] = rng.integers(0, 3, n) * 1.0
    data.to_parquet(tmp_path / "data.parquet")
    given = {"weights": "w", "weight_kind": "sampling", "cov": asx.Cluster("g")}
    streamed_rows = asx.logit(
        "y ~ x", asx.stream(tmp_path / "data.parquet", memory=10_000), **given
    )
    np.testing.assert_allclose(streamed_rows.bse, asx.logit("y ~ x", data, **given).bse, rtol=1e-10)


def test_reading_ahead_ends_with_its_reader():
    seen = []

    def items():
        try:
            for i in range(100):
                seen.append(i)
                yield i
        finally:
            seen.append("closed")

    ahead = batches.prefetched(items(), 2)
    assert next(ahead) == 0
    ahead.close()
    assert len(seen) < 8

    def fails():
        yield 1
        raise InputError("no more", code="file")

    with pytest.raises(InputError, match="no more"):
        list(batches.prefetched(fails()))


def test_tables_are_recut_without_losing_rows():
    tables = [pa.table({"a": np.arange(n) + 100 * n}) for n in (3, 0, 11, 1, 5)]
    parts = list(batches.recut(tables, 4))
    assert [part.num_rows for part in parts] == [4, 4, 4, 4, 4]
    expected = np.concatenate([table["a"].to_numpy() for table in tables])
    np.testing.assert_array_equal(pa.concat_tables(parts)["a"].to_numpy(), expected)


def test_moments_of_stretches_are_those_of_the_whole():
    values = np.random.default_rng(3).normal(1e6, 1.0, 999)
    parts = np.split(values, [1, 400, 401])
    found = None
    for part in parts:
        found = merged(found, (len(part), part.mean(), ((part - part.mean()) ** 2).sum()))
    state = settled(found, (True, True, 1))
    np.testing.assert_allclose(state["center"], values.mean(), rtol=1e-15)
    np.testing.assert_allclose(state["scale"], values.std(ddof=1), rtol=1e-9)
    around = settled(found, (1e6, 2.0, 1))
    assert (float(around["center"]), float(around["scale"])) == (1e6, 2.0)


def test_samples_are_spread_evenly():
    spread = Spread()
    for first in range(0, 200_000, 50_000):
        spread.add(pd.DataFrame({"i": np.arange(first, first + 50_000)}), first)
    found = pd.concat(spread.parts)["i"].to_numpy()
    assert SAMPLE_ROWS <= len(found) <= 2 * SAMPLE_ROWS
    np.testing.assert_array_equal(found, np.arange(0, 200_000, spread.step))
    for part in spread.parts:  # a view would keep the rows alive that were left out
        values = part["i"].to_numpy()
        assert values.base is None or values.base.size == len(part)
