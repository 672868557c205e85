"""The command line, called as a function and as a program."""

import gc
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import asymptotix as asx
from asymptotix.cli import main


@pytest.fixture
def table(tmp_path, mroz):
    path = tmp_path / "mroz.csv"
    mroz.to_csv(path, index=False)
    return str(path)


def test_fit_prints_the_table_and_writes_json(table, tmp_path, capsys, mroz):
    out = tmp_path / "fit.json"
    formula = "inlf ~ educ + C(city)"
    status = main(["fit", table, formula, "--model", "probit", "--cov", "HC1", "--json", str(out)])
    assert status == 0
    printed = capsys.readouterr().out
    assert "Probit" in printed
    assert max(map(len, printed.splitlines())) <= 80
    res = asx.probit(formula, mroz, cov="HC1")
    found = json.loads(out.read_text())
    assert [c["term"] for c in found["coefficients"]] == list(res.names)
    np.testing.assert_allclose([c["estimate"] for c in found["coefficients"]], res.params, 1e-12)
    np.testing.assert_allclose([c["std.error"] for c in found["coefficients"]], res.bse, 1e-12)
    assert found["conventions"]["covariance"] == "HC1"


def test_only_a_process_of_its_own_ends_without_a_search_for_garbage(table):
    """Called as a function, the command leaves its caller's memory as it was."""
    before = gc.get_freeze_count()
    assert main(["fit", table, "inlf ~ educ"]) == 0
    assert gc.get_freeze_count() == before
    code = (
        "import gc, sys\nfrom asymptotix.cli import main\n"
        f"sys.argv = ['asymptotix', '--no-cache', 'fit', {table!r}, 'inlf ~ nowhere']\n"
        "print(main(), gc.get_freeze_count() > 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["2", "True"]


def test_bad_input_is_one_sentence_and_status_2(table, capsys):
    assert main(["fit", table, "inlf ~ edcu"]) == 2
    assert "Did you mean 'educ'" in capsys.readouterr().err


def test_a_failed_fit_is_status_1(tmp_path, capsys):
    path = tmp_path / "separated.csv"
    path.write_text("y,x\n" + "".join(f"{int(i > 9)},{i}\n" for i in range(20)))
    assert main(["fit", str(path), "y ~ x"]) == 1
    said = capsys.readouterr()
    assert "NOT CONVERGED" in said.out
    assert "separated" in said.err


def fit_json(tmp_path, *words):
    """What `asymptotix fit` writes; the status is asserted."""
    out = tmp_path / "out.json"
    assert main(["fit", *words, "--json", str(out)]) == 0
    return json.loads(out.read_text())


def near(found, res):
    np.testing.assert_allclose([c["estimate"] for c in found["coefficients"]], res.params, 1e-13)
    np.testing.assert_allclose([c["std.error"] for c in found["coefficients"]], res.bse, 1e-13)


@pytest.fixture
def grouped(tmp_path):
    """Counts of successes with trials, a weight, an exposure and a cluster, in Parquet."""
    rng = np.random.default_rng(0)
    x, n = rng.uniform(-1, 1, 60), rng.integers(3, 9, 60)
    frame = pd.DataFrame(
        {
            "x": x,
            "n": n,
            "y": rng.binomial(n, 1 / (1 + np.exp(-x))),
            "w": rng.integers(1, 4, 60),
            "e": np.log(n),
            "firm": np.arange(60) % 12,
        }
    )
    path = tmp_path / "grouped.parquet"
    frame.to_parquet(path)
    return str(path), frame


def test_every_option_reaches_the_model(grouped, tmp_path):
    path, frame = grouped
    words = (
        "y ~ x",
        "--model",
        "glm",
        "--family",
        "binomial",
        "--link",
        "cloglog",
        "--trials",
        "n",
        "--cov",
        "hc0",
    )
    found = fit_json(tmp_path, path, *words)
    link = asx.CloglogLink()
    near(found, asx.glm("y ~ x", frame, asx.Binomial(link), trials="n", cov="HC0"))

    words = ("--weights", "w", "--weight-kind", "frequency", "--offset", "e", "--confidence", "0.5")
    found = fit_json(tmp_path, path, "y ~ x", "--model", "poisson", *words)
    options = {"weights": "w", "weight_kind": "frequency", "offset": "e", "confidence": 0.5}
    res = asx.poisson("y ~ x", frame, **options)
    near(found, res)
    np.testing.assert_allclose(
        [c["conf.high"] for c in found["coefficients"]], res.conf_int()["upper"], 1e-13
    )
    assert found["model"]["nobs"] == frame["w"].sum()

    found = fit_json(tmp_path, path, "y ~ x", "--family", "poisson", "--cluster", "firm")
    near(found, asx.poisson("y ~ x", frame, cov=asx.Cluster("firm")))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["y ~ x", "--family", "poison"], "no family 'poison'"),
        (["y ~ x", "--family", "poisson", "--link", "lgo"], "no link 'lgo'"),
        (["y ~ x", "--family", "multinomial", "--link", "log"], "has no link to choose"),
        (["y ~ x", "--link", "log"], "--link needs --family"),
        (["y ~ x", "--model", "glm"], "--model glm needs --family"),
        (["y ~ x", "--family", "poisson", "--model", "logit"], "leave out --model or --family"),
        (["y ~ x", "--weights", "w", "--model", "poisson"], "weight_kind"),
        (["y ~ x", "--cov", "HC9", "--model", "poisson"], "'HC9' is not known"),
        (["y ~ (x", "--model", "poisson"], "formula"),
        (["y ~ x", "--confidence", "95", "--model", "poisson"], "between 0 and 1"),
        (["y ~ x", "--model", "poisson", "--json", "no/such/folder/out.json"], "no/such/folder"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_2(grouped, capsys, words, told):
    path, _ = grouped
    assert main(["fit", path, *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("asymptotix: ")
    assert told.lower() in said.lower()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("not.parquet", b"y,x"),
        ("bytes.csv", b"y,x\n\xff\xfe,1"),
        ("not.txt", b"y,x"),
    ],
)
def test_a_file_that_is_no_table_is_said_with_status_2(tmp_path, capsys, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["fit", str(path), "y ~ x"]) == 2
    assert name in capsys.readouterr().err


def test_what_does_not_exist_is_null_in_json(tmp_path, capsys):
    path, out = tmp_path / "separated.csv", tmp_path / "out.json"
    path.write_text("y,x\n" + "".join(f"{int(i > 9)},{i}\n" for i in range(20)))
    assert main(["fit", str(path), "y ~ x", "--json", str(out)]) == 1
    found = json.loads(out.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert [c["std.error"] for c in found["coefficients"]] == [None, None]


def test_benchmarks_are_those_of_the_checkout(capsys, monkeypatch, tmp_path):
    from asymptotix import cli

    assert main(["bench", "no_such"]) == 2
    assert "speed" in capsys.readouterr().err
    (tmp_path / "good.py").write_text("")
    (tmp_path / "bad.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(cli, "BENCHMARKS", tmp_path)
    assert main(["bench", "good"]) == 0
    assert main(["bench"]) == 1
    monkeypatch.setattr(cli, "BENCHMARKS", tmp_path / "not installed")
    assert main(["bench"]) == 2
    assert "source" in capsys.readouterr().err


def test_the_program_explains_itself():
    run = subprocess.run(
        [sys.executable, "-m", "asymptotix.cli", "fit", "--help"], capture_output=True, text=True
    )
    assert run.returncode == 0
    assert "--cov" in run.stdout
