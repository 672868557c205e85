"""Fits of Dask frames: sums are taken where partitions lie; a lost worker changes nothing."""

import os
import signal
import subprocess
import sys

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client, LocalCluster

import asymptotix as asx
from asymptotix.core.errors import InputError
from asymptotix.data import partitions, portable
from asymptotix.data.slabs import SLAB_ROWS
from asymptotix.fitting.checkpoint import Checkpoint

N = 70_000
assert N > SLAB_ROWS  # fewer rows are read into memory
FORMULA = "bought ~ scale(x) + np.log(z) + C(g)"
pytestmark = [
    pytest.mark.filterwarnings("ignore::asymptotix.MissingRowsWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of a killed worker's sockets
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as connected,
    ):
        yield connected


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(5)
    data = pd.DataFrame(
        {
            "x": random.normal(size=N),
            "z": random.exponential(size=N),
            "g": random.choice(["north", "south", "west"], N),
            "firm": random.integers(0, 200, N),
            "w": random.integers(0, 3, N).astype(float),
        }
    )
    eta = 0.3 * data.x - 0.2 * np.log(data.z) + 0.5 * (data.g == "south")
    data["bought"] = np.where(random.uniform(size=N) < 1 / (1 + np.exp(-eta)), "yes", "no")
    data["count"] = random.poisson(np.exp(0.2 * eta))
    data.loc[::400, "x"] = np.nan
    data.loc[N - 5 :, "g"] = "rare"  # a level of one partition only
    return data


@pytest.fixture(scope="module")
def dask_frame(frame):
    return dd.from_pandas(frame, npartitions=5)


@pytest.fixture(scope="module")
def logits(client, frame, dask_frame):
    return asx.logit(FORMULA, dask_frame), asx.logit(FORMULA, frame)


def same(there, here, tolerance=1e-10):
    np.testing.assert_allclose(there.params, here.params, rtol=tolerance)
    np.testing.assert_allclose(there.bse, here.bse, rtol=tolerance)
    np.testing.assert_allclose(there.llf, here.llf, rtol=1e-12)
    np.testing.assert_allclose(there.llnull, here.llnull, rtol=1e-11)
    assert (there.names, there.nobs, there.dropped, there.status, there.event) == (
        here.names, here.nobs, here.dropped, here.status, here.event
    )  # fmt: skip


def test_a_dask_frame_gives_the_digits_of_the_frame(logits):
    same(*logits)
    assert isinstance(logits[0].inputs.streamed.evaluator, partitions.Design)


@pytest.mark.parametrize("cov", ["HC1", "HC3", asx.Cluster("firm")])
def test_covariances(logits, cov):
    there, here = (res.with_cov(cov) for res in logits)
    np.testing.assert_allclose(there.bse, here.bse, rtol=1e-10)
    assert there.reference == here.reference


def test_weights_and_a_null_model_of_its_own_pass(client, frame, dask_frame):
    options = {"weights": "w", "weight_kind": "precision", "offset": "z"}
    options["cov"] = asx.Cluster("firm")  # which asks what rows have a weight
    same(*(asx.poisson("count ~ x", data, **options) for data in (dask_frame, frame)))


def test_average_effects(logits):
    there, here = (res.avg_slopes(variables=["x", "g"], by="g").frame for res in logits)
    for what in ("estimate", "std.error"):
        np.testing.assert_allclose(there[what], here[what], rtol=1e-9)


def test_a_lost_worker_changes_nothing(client, frame, dask_frame, monkeypatch, tmp_path):
    """A worker is killed between two passes; what it held is computed again by the others."""
    killed = []
    save = Checkpoint.save

    def kill(self, state, coordinates):
        save(self, state, coordinates)
        if not killed:
            name, process = next(iter(client.run(os.getpid).items()))
            killed.append(name)
            os.kill(process, signal.SIGKILL)

    monkeypatch.setattr(Checkpoint, "save", kill)
    res = asx.logit(FORMULA, dask_frame, checkpoint=tmp_path / "fit.npz")
    assert len(killed) == 1
    same(res, asx.logit(FORMULA, frame))


def test_nothing_but_sums_travels(logits, monkeypatch):
    """What is sent and what comes back for one pass is of the size of the coefficients."""
    there, _ = logits
    sent, received = [], []
    pack, result = partitions.packed_program, partitions.result

    def packed(function):
        sent.append(pack(function))
        return sent[-1]

    def fetched(future, number):
        received.append(result(future, number))
        return received[-1]

    monkeypatch.setattr(partitions, "packed_program", packed)
    monkeypatch.setattr(partitions, "result", fetched)
    there.with_cov("HC1")
    assert len(sent) == len(received) > 0
    assert max(map(len, sent)) < 20_000
    k = len(there.params)
    assert max(np.size(leaf) for leaf in received) <= k * k


def test_programs_go_by_name(logits):
    fit = logits[1].fit
    found = portable.unpacked_program(portable.packed_program(np.sum))
    assert found(np.arange(4)) == 6
    assert portable.unpacked(portable.packed(portable.COMPILED)) is portable.COMPILED
    assert fit.converged


def test_errors_say_which_partition(client, frame):
    wrong = frame.assign(count=frame["count"].where(frame.index != N - 3, -1))
    with pytest.raises(InputError, match="In partition 4") as error:
        asx.poisson("count ~ z", dd.from_pandas(wrong, npartitions=5))
    assert error.value.column == "count"


def test_few_rows_are_read_into_memory(client, frame):
    few = frame.iloc[:3_000]
    res = asx.logit(FORMULA, dd.from_pandas(few, npartitions=3))
    assert res.inputs.streamed is None
    np.testing.assert_allclose(res.bse, asx.logit(FORMULA, few).bse, rtol=1e-12)


def test_dask_is_loaded_by_its_frames_only():
    code = (
        "import sys, asymptotix as asx; asx.logit; print({'dask', 'distributed'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
