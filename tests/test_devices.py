"""Rows over several devices and processes: the same digits as on one device.

Devices are made of CPU cores, which can only be done before JAX starts: each program runs in
processes of its own (`on_devices.py`) and prints its numbers.
"""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import asymptotix as asx
from asymptotix.core.errors import InputError
from asymptotix.data.mesh import shard_rows
from on_devices import N, answers, with_groups

PROGRAM = Path(__file__).parent / "on_devices.py"


def run(calls, devices):
    """The JSON that each of some programs, running at the same time, prints last."""
    environment = {
        **os.environ,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(Path(asx.__file__).parents[1]),
    }
    running = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), *call],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for call in calls
    ]
    with ThreadPoolExecutor() as pool:  # all pipes are read: none waits for another's process
        said = list(pool.map(lambda process: process.communicate(timeout=300), running))
    for process, (_, error) in zip(running, said, strict=True):
        assert process.returncode == 0, error[-3_000:]
    return [json.loads(out.splitlines()[-1]) for out, _ in said]


@pytest.fixture(scope="module")
def one_process():
    return run([["one"]], devices=2)[0]


@pytest.fixture(scope="module")
def two_processes():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return run([["two", address, str(i)] for i in range(2)], devices=1)


@pytest.fixture(scope="module")
def here():
    """The same fits in this process, from arrays in memory."""
    return answers(with_groups, only=("poisson", "network"))


def same(found, expected, tolerance=1e-10):
    for name, numbers in found.items():
        for what, value in numbers.items():
            scale = np.abs(expected[name][what]).max()
            np.testing.assert_allclose(
                value, expected[name][what], rtol=tolerance, atol=tolerance * scale,
                err_msg=f"{name}: {what}",
            )  # fmt: skip


def test_the_users_own_sharded_arrays(one_process):
    same(one_process["user"], one_process["even"])
    assert one_process["shards"] == [[(N - 1) // 2, 4]] * 2


def test_a_mesh_of_two_axes(one_process):
    same(one_process["two axes"], one_process["even"])


def test_rows_that_fill_shards_up(one_process, here):
    same(one_process["filled"], here)


def test_two_processes(two_processes, here):
    for found in two_processes:
        same(found["answers"], here)
        assert found["devices"] == [1, 2]
    assert two_processes[0]["answers"] == two_processes[1]["answers"]  # the same bits


def test_each_process_holds_its_own_rows_only(two_processes):
    for found in two_processes:
        assert found["held"] == shard_rows(N - 700)


def test_one_more_row_compiles_nothing(one_process):
    first, second = one_process["compiled"]
    assert first > 0
    assert second == 0


def test_collinear_columns_are_found_on_devices(one_process):
    assert one_process["collinear"]["active"] == [True] * 4 + [False]
    assert one_process["collinear"]["gap"] < 1e-9


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("nan", "missing values in 1 row"),
        ("labels", "not 0 or 1"),
        ("constant", "nothing to explain"),
        ("columns", "4 columns but the model has 5"),
        ("solver", "Newton's method"),
        ("HAC", "all rows at once"),
        ("other rows", "not the rows of the fit"),
    ],
)
def test_refusals_on_devices(one_process, case, said):
    assert said in one_process["refused"][case]


def test_refusals_are_those_of_all_processes(two_processes):
    first, second = two_processes
    assert "another process" in first["one process"]
    assert "of 1299 values" in second["one process"]  # those that fill up do not count
    for found in two_processes:
        assert "shard(rows, groups=...)" in found["groups in rows"]
        assert "nothing to explain" in found["constant"]
        assert found["one constant"] is None


def test_shards_are_filled_up_by_a_sixteenth_at_most():
    sizes = [shard_rows(n) for n in range(1, 5_000)]
    for n, size in enumerate(sizes, 1):
        assert n <= size <= n * 17 / 16
    assert len(set(sizes)) < 170
    assert shard_rows(10**6) - 10**6 < 10**6 / 16


def test_rows_on_one_device_need_no_mesh(here):
    """`asx.shard` of one device changes nothing but the evaluator."""
    same(answers(lambda rows, firm=None: asx.shard(rows, groups=firm), only=()), here)


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="x has 3 rows but y has 2"):
        asx.shard(asx.Rows(np.ones((3, 1)), np.ones(2)))
