"""The fits that `test_devices.py` compares, and the programs that run them on several devices.

python tests/on_devices.py one
python tests/on_devices.py two ADDRESS PROCESS
"""

import json
import sys
import warnings

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import asymptotix as asx
from asymptotix.core.errors import InputError
from asymptotix.model import layout

N = 1_999
BETA = (0.2, 0.5, -0.3, 0.1)
KINDS = {
    "observed": "observed",
    "expected": "expected",
    "opg": "opg",
    "HC1": "HC1",
    "HC3": "HC3",
    "cluster": asx.Cluster(),
    "CR2": asx.Cluster(correction="CR2"),
}

FEW = ("observed", "HC1", "cluster")


def data(n=N):
    random = np.random.default_rng(11)
    x = np.c_[np.ones(n), random.normal(size=(n, 3))]
    eta = x @ BETA
    return {
        "x": x,
        "logit": (random.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float),
        "poisson": random.poisson(np.exp(eta)).astype(float),
        "linear": eta + random.normal(size=n),
        "weights": random.integers(0, 4, n).astype(float),
        "offset": 0.1 * random.normal(size=n),
        "firm": random.integers(0, 60, n),
    }


def network():
    return asx.MLP(3, 2, key=jax.random.key(1))


ALL = ("logit", "poisson", "linear", "network", "jeffreys")


def answers(place, own=slice(None), only=ALL):
    """Numbers of several fits; `place` turns `Rows` and identifiers into rows of another kind."""
    d = {name: values[own] for name, values in data().items()}
    weighted = {"weights": d["weights"], "weight_kind": "frequency", "offset": d["offset"]}
    found = {}

    def add(name, model, rows, kinds, **options):
        fit = asx.fit(model, rows, **options)
        assert bool(fit.converged), fit.status_name
        theta = layout(fit.model).flatten(fit.model)
        found[name] = {
            "theta": theta,
            "llf": fit.log_likelihood,
            "deviance": fit.statistics.deviance,
        }
        for kind in kinds:
            found[name][kind] = asx.covariance(fit, rows, KINDS[kind]).matrix
        return fit

    rows = place(asx.Rows(d["x"], d["logit"]), d["firm"])
    fit = add("logit", asx.Logit(4), rows, KINDS if only == ALL else FEW)
    slopes = asx.average_slopes(fit, rows, asx.covariance(fit, rows, "HC1"))
    found["logit"] |= {"slopes": slopes.value, "slope errors": slopes.standard_error}
    found["logit"] |= {"information": asx.information(fit, rows, curvature="expected")}
    found["logit"] |= {"scores": asx.score_contributions(fit, rows)}
    if "poisson" in only:
        counts = place(asx.Rows(d["x"], d["poisson"], **weighted))
        add("poisson", asx.PoissonRegression(4), counts, ["observed", "HC1"])
    if "linear" in only:
        add("linear", asx.LinearRegression(4), place(asx.Rows(d["x"], d["linear"])), ["HC1"])
    if "network" in only:
        rows = place(asx.Rows(d["x"][:, 1:], d["logit"]), d["firm"])
        # Two routes may stop at two points 1e-8 standard errors apart, which covariances show.
        tight = {"penalty": asx.Ridge(2.0), "solver": asx.Newton(tolerance=1e-12)}
        add("network", network(), rows, ["observed", "cluster"], **tight)
    if "jeffreys" in only:
        rows = place(asx.Rows(d["x"], d["logit"]))
        add("jeffreys", asx.Logit(4), rows, ["observed"], penalty=asx.Jeffreys())
    return {
        name: {k: np.asarray(v).tolist() for k, v in one.items()} for name, one in found.items()
    }


def message(call):
    """The first words of the error that a call ends with."""
    try:
        call()
    except InputError as error:
        return str(error)
    return None


def with_groups(rows, firm=None):
    if firm is None:
        return rows
    return asx.Rows(rows.x, rows.y, rows.weights, rows.weight_kind, rows.offset, firm)


def sharded(rows, firm=None, axes=("rows",), shape=(2,)):
    """Arrays of the user's own, over two devices; the last row is left out to make them even."""
    mesh = jax.make_mesh(shape, axes)
    place = NamedSharding(mesh, PartitionSpec(axes))

    def moved(array):
        with jax.enable_x64(True):
            return jax.device_put(array[: N - 1], place)

    return with_groups(jax.tree.map(moved, rows), None if firm is None else firm[: N - 1])


def filled_up(rows, firm=None):
    return asx.shard(rows, groups=firm)


def even(rows, firm=None):
    return jax.tree.map(lambda a: a[: N - 1], with_groups(rows, firm))


def compiled_for_one_more_row():
    """How many programs a fit and two covariances compile after one with a row less."""
    events = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: events.append(event)
    )
    d, counts = data(), []
    for n in (1_500, 1_501):
        before = events.count("/jax/core/compile/backend_compile_duration")
        rows = asx.shard(asx.Rows(d["x"][:n], d["logit"][:n]), groups=d["firm"][:n])
        fit = asx.fit(asx.Logit(4), rows)
        for kind in ("HC1", asx.Cluster()):
            asx.covariance(fit, rows, kind)
        counts.append(events.count("/jax/core/compile/backend_compile_duration") - before)
    return counts


def refusals():
    d = data()
    wrong = d["x"].copy()
    wrong[7, 2] = np.nan
    rows = filled_up(asx.Rows(d["x"], d["logit"]), d["firm"])
    fit = asx.fit(asx.Logit(4), rows)
    other = filled_up(asx.Rows(d["x"], 1 - d["logit"]))
    return {
        "nan": message(lambda: asx.shard(asx.Rows(wrong, d["logit"]))),
        "labels": message(lambda: asx.fit(asx.Logit(4), filled_up(asx.Rows(d["x"], d["poisson"])))),
        "constant": message(
            lambda: asx.fit(asx.Logit(4), filled_up(asx.Rows(d["x"], d["x"][:, 0])))
        ),
        "columns": message(lambda: asx.fit(asx.Logit(5), rows)),
        "solver": message(lambda: asx.fit(asx.Logit(4), rows, solver=asx.Quasi())),
        "HAC": message(lambda: asx.covariance(fit, rows, asx.HAC())),
        "other rows": message(lambda: asx.covariance(fit, other)),
    }


def collinear():
    """Which coefficients a fit of a design with a repeated column leaves out."""
    d = data()
    x = np.c_[d["x"], d["x"][:, 1] - d["x"][:, 2]]
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        fits = [asx.fit(asx.Logit(5), p(asx.Rows(x, d["logit"]))) for p in (filled_up, lambda r: r)]
    gap = np.abs(
        np.asarray(fits[0].model.predictor.coef) - np.asarray(fits[1].model.predictor.coef)
    )
    return {"active": np.asarray(fits[0].active).tolist(), "gap": float(gap[:4].max())}


def on_two_devices():
    assert len(jax.devices()) == 2
    x = sharded(asx.Rows(data()["x"], data()["logit"])).x
    assert not jax.config.read("jax_enable_x64")
    return {
        "user": answers(sharded),
        "two axes": answers(lambda r, g=None: sharded(r, g, ("a", "b"), (2, 1)), only=()),
        "even": answers(even),
        "filled": answers(filled_up, only=()),
        "compiled": compiled_for_one_more_row(),
        "refused": refusals(),
        "collinear": collinear(),
        "shards": [list(s.data.shape) for s in x.addressable_shards],
    }


def in_two_processes(address, process):
    jax.distributed.initialize(address, 2, process)
    own = slice(0, 700) if process == 0 else slice(700, None)
    d = {name: values[own] for name, values in data().items()}
    rows = asx.Rows(d["x"], d["logit"])
    other = asx.shard(asx.Rows(d["x"], d["logit"] + process))
    same = asx.shard(asx.Rows(d["x"], 0 * d["logit"]))
    return {
        "answers": answers(filled_up, own, only=("poisson", "network")),
        "devices": [len(jax.local_devices()), len(jax.devices())],
        "held": sum(s.data.shape[0] for s in asx.shard(rows).evaluator.block.y.addressable_shards),
        "groups in rows": message(lambda: asx.shard(with_groups(rows, d["firm"]))),
        "one process": message(lambda: asx.fit(asx.Logit(4), other)),
        "constant": message(lambda: asx.fit(asx.Logit(4), same)),
        "one constant": message(
            lambda: asx.fit(asx.Logit(4), asx.shard(asx.Rows(d["x"], d["logit"] * process)))
        ),
    }


if __name__ == "__main__":
    if sys.argv[1] == "one":
        found = on_two_devices()
    else:
        found = in_two_processes(sys.argv[2], int(sys.argv[3]))
    print(json.dumps(found))
