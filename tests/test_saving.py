"""Files of results: what is written is what is read, and nothing else is read."""

import json
import os
import pickle
import zipfile

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import asymptotix as asx


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    n = 120
    frame = pd.DataFrame(
        {
            "x": rng.standard_normal(n),
            "z": rng.random(n),
            "g": np.repeat(list("abcde"), n // 5),
            "when": np.repeat(pd.to_datetime(["2020-01-01", "2021-01-01", "2022-01-01"]), n // 3),
            "w": rng.integers(1, 4, n).astype(float),
        }
    )
    frame["firm"] = np.arange(n) % 20
    frame["y"] = 1 + frame["x"] + rng.standard_normal(n)
    frame["b"] = (frame["y"] > 1).astype(float)
    frame["k"] = rng.poisson(2.0, n)
    frame["label"] = rng.choice(["no", "yes"], n)
    frame["many"] = rng.choice(list("uvw"), n)
    return frame


CASES = {
    "transforms": lambda d: asx.linear(
        "y ~ bs(x, df=4) + C(g, Treatment('b'))*z + scale(z) + poly(x, 2) + cr(z, df=3)"
        " + np.log(z) + C(when)",
        d,
    ),
    "codings": lambda d: asx.linear("y ~ C(g, contr.sum) + C(many, contr.helmert) + center(x)", d),
    "clusters": lambda d: asx.logit("b ~ x + g", d, cov=asx.Cluster("firm")),
    "weights": lambda d: asx.probit("b ~ x", d, weights="w", weight_kind="frequency", cov="HC1"),
    "poisson": lambda d: asx.poisson("k ~ x + {z**2}", d, offset="z"),
    "labels": lambda d: asx.logit("label ~ x", d, confidence=0.9),
    "multinomial": lambda d: asx.glm("many ~ x", d, asx.Multinomial()),
    "two predictors": lambda d: asx.glm(
        {"mu": "y ~ x", "log_sigma": "~ z"}, d, asx.LocationScale()
    ),
    "negative binomial": lambda d: asx.glm("k ~ x", d, asx.NegativeBinomial()),
    "penalty": lambda d: asx.logit("b ~ x + z", d, penalty=asx.GaussianPrior()),
    "reduction": lambda d: asx.logit("b ~ x", d, penalty=asx.Jeffreys()),
    "omitted": lambda d: asx.linear("y ~ x + I(2*x)", d),
    "separated": lambda d: asx.logit("b ~ x + I(y > 1)", d),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", list(CASES))
def test_round_trip_is_bit_identical(case, data, tmp_path):
    res = CASES[case](data)
    path = tmp_path / "fit.asx"
    res.save(path)
    again = asx.load(path)
    for name in ("params", "bse", "tvalues", "log_pvalues"):
        assert np.array_equal(getattr(res, name), getattr(again, name), equal_nan=True)
        assert list(getattr(res, name).index) == list(getattr(again, name).index)
    assert np.array_equal(res.cov_params(), again.cov_params(), equal_nan=True)
    assert np.array_equal(res.conf_int(), again.conf_int(), equal_nan=True)
    assert res.conventions == again.conventions
    assert (res.llf, res.llnull, res.aic, res.status) == (
        again.llf, again.llnull, again.aic, again.status,
    )  # fmt: skip
    assert str(res.summary()) == str(again.summary())
    new = data.iloc[::-3].assign(x=lambda d: d["x"] * 0.5)
    assert np.array_equal(res.predict(new), again.predict(new), equal_nan=True)
    assert again.inputs.data is None
    again.save(tmp_path / "twice.asx")
    with zipfile.ZipFile(path) as one, zipfile.ZipFile(tmp_path / "twice.asx") as two:
        assert one.read("content.json") == two.read("content.json")


def test_verbs_that_need_rows_take_the_data_again(data, tmp_path):
    res = CASES["clusters"](data)
    res.save(tmp_path / "fit.asx")
    again = asx.load(tmp_path / "fit.asx")
    assert again.with_cov("HC1", data=data).bse.equals(res.with_cov("HC1").bse)
    with pytest.raises(asx.InputError, match="does not hold its data") as caught:
        again.with_cov("HC1")
    assert caught.value.code == "no_data"
    with pytest.raises(asx.InputError, match="changed"):
        again.with_cov("HC1", data=data.assign(x=data["x"] + 1e-3))


def test_arrays_of_rows_are_not_written(data, tmp_path):
    res = asx.logit("b ~ x", data, weights=data["w"].to_numpy(), weight_kind="frequency")
    res.save(tmp_path / "fit.asx")
    again = asx.load(tmp_path / "fit.asx")
    assert again.params.equals(res.params)
    with pytest.raises(asx.InputError, match="an array as its weights") as caught:
        again.with_cov("HC1", data=data)
    assert caught.value.code == "no_data"


def test_networks(data, tmp_path):
    import jax

    res = asx.mlp("b ~ x + z", data, hidden=(3,), family=asx.Bernoulli(), penalty=asx.Ridge(1.0),
                  key=jax.random.key(0))  # fmt: skip
    res.save(tmp_path / "fit.asx")
    again = asx.load(tmp_path / "fit.asx")
    assert np.array_equal(res.predict(data), again.predict(data))
    assert np.array_equal(res.params, again.params)


def shifted(v):
    return v + 1


def test_functions_of_the_program_cannot_be_saved(data, tmp_path):
    with pytest.raises(asx.InputError, match="'shifted'") as caught:
        asx.linear("y ~ shifted(x)", data).save(tmp_path / "fit.asx")
    assert caught.value.code == "unsaveable"
    assert not (tmp_path / "fit.asx").exists()
    knots = [0.2, 0.7]  # noqa: F841 - the formula takes it from here
    asx.linear("y ~ bs(z, knots=knots, degree=2)", data).save(tmp_path / "fit.asx")
    assert asx.load(tmp_path / "fit.asx").spec.captured.values == {"knots": [0.2, 0.7]}


class Doubled(asx.AbstractLink):
    """The identity, times two."""

    name = "doubled"
    symmetric = False

    def link(self, mu):
        return 2 * mu

    def inverse(self, eta):
        return jnp.asarray(eta) / 2


def test_own_classes_are_handed_over(data, tmp_path):
    res = asx.glm("k ~ x", data, asx.Poisson(link=Doubled()))
    res.save(tmp_path / "fit.asx")
    with pytest.raises(asx.InputError, match=r"classes=\[Doubled\]") as caught:
        asx.load(tmp_path / "fit.asx")
    assert caught.value.code == "file"
    again = asx.load(tmp_path / "fit.asx", classes=[Doubled])
    assert again.params.equals(res.params)
    assert np.array_equal(res.predict(data), again.predict(data))


# --- files that are not ours ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "fit.asx"
    asx.linear("y ~ x", data).save(path)
    return path


def rewritten(saved, tmp_path, member, change, sealed=True):
    """The file with one member changed, its fingerprint too where `sealed`."""
    import hashlib

    with zipfile.ZipFile(saved) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts[member] = change(parts[member])
    if sealed and member != "manifest.json":
        manifest = json.loads(parts["manifest.json"])
        manifest[member.split(".")[0]] = hashlib.sha256(parts[member]).hexdigest()
        parts["manifest.json"] = json.dumps(manifest).encode()
    path = tmp_path / "changed.asx"
    with zipfile.ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)
    return path


def refused(path):
    with pytest.raises(asx.InputError, match=r"cannot be read|no file") as caught:
        asx.load(path)
    assert caught.value.code == "file"
    return str(caught.value)


def test_truncated_at_any_length(saved, tmp_path):
    whole = saved.read_bytes()
    for size in (0, 1, 10, 100, len(whole) // 2, len(whole) - 1):
        path = tmp_path / "short.asx"
        path.write_bytes(whole[:size])
        refused(path)


def test_every_flipped_byte_is_noticed_or_harmless(saved, tmp_path):
    whole = bytearray(saved.read_bytes())
    expected = asx.load(saved).params
    rng = np.random.default_rng(0)
    path = tmp_path / "flipped.asx"
    for at in rng.integers(0, len(whole), 150):
        changed = bytearray(whole)
        changed[at] ^= 1 + rng.integers(0, 255)
        path.write_bytes(bytes(changed))
        found, code = None, "file"
        try:
            found = asx.load(path)
        except asx.InputError as error:
            code = error.code
        assert code == "file"
        # a byte of the zip's own padding, such as a time stamp, changes nothing
        assert found is None or found.params.equals(expected)


def test_newer_versions_and_other_files(saved, tmp_path):
    def newer(part):
        return json.dumps({**json.loads(part), "version": 99}).encode()

    assert "version 99" in refused(rewritten(saved, tmp_path, "manifest.json", newer))
    assert "altered" in refused(rewritten(saved, tmp_path, "manifest.json", lambda p: b"{"))
    other = rewritten(saved, tmp_path, "manifest.json", lambda p: b'{"format": "x"}')
    assert "no file of" in refused(other)
    assert "not those" in refused(
        rewritten(saved, tmp_path, "content.json", lambda p: p + b" ", sealed=False)
    )
    refused(tmp_path / "nowhere.asx")
    (tmp_path / "text.asx").write_text("not a zip")
    refused(tmp_path / "text.asx")


class Evil:
    def __reduce__(self):
        return os.system, ("touch never",)


def test_pickles_are_not_read(saved, tmp_path, monkeypatch):
    import io

    def loaded(*args, **keywords):
        raise AssertionError("something was unpickled")

    monkeypatch.setattr(pickle, "loads", loaded)
    monkeypatch.setattr(pickle, "load", loaded)
    asx.load(saved)
    buffer = io.BytesIO()
    np.savez(buffer, a0=np.array([Evil()], dtype=object))
    refused(rewritten(saved, tmp_path, "arrays.npz", lambda p: buffer.getvalue()))


@pytest.mark.parametrize(
    ("node", "told"),
    [
        ({"!": "object", "class": "os:system", "fields": {}}, "not part of Asymptotix"),
        ({"!": "object", "class": "asymptotix.api:sys.modules", "fields": {}}, "not a record"),
        ({"!": "object", "class": "asymptotix.core.errors:InputError", "fields": {}}, "a record"),
        ({"!": "object", "class": "asymptotix.model:__loader__", "fields": {}}, "not part of"),
        ({"!": "function", "module": "os", "name": "system"}, "asks for the function"),
        ({"!": "function", "module": "jax.numpy", "name": "_np"}, "asks for the function"),
        ({"!": "function", "module": "equinox.nn._mlp", "name": "jax"}, "asks for the function"),
        ({"!": "module", "name": "subprocess"}, "asks for the module"),
        ({"!": "python", "code": "1/0"}, "not known"),
        ({"!": "array", "name": "a999", "jax": False}, "not those"),
        ([1, 2], "no results"),
    ],
)
def test_contents_that_we_never_write(saved, tmp_path, node, told):
    path = rewritten(saved, tmp_path, "content.json", lambda p: json.dumps(node).encode())
    assert told in refused(path)


def test_an_expression_in_a_file_is_not_evaluated_on_loading(saved, tmp_path):
    """Text of a formula stays text until data come; then only its own words are known."""
    evil = '__import__(\\"os\\").system(\\"true\\")'
    path = rewritten(
        saved, tmp_path, "content.json", lambda p: p.replace(b'"y ~ x"', f'"y ~ {evil}"'.encode())
    )
    assert "system" in asx.load(path).spec.formula
