"""The command line, called as a function and as a program."""

import json
import subprocess
import sys

import numpy as np
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


def test_bad_input_is_one_sentence_and_status_2(table, capsys):
    assert main(["fit", table, "inlf ~ edcu"]) == 2
    assert "Did you mean 'educ'" in capsys.readouterr().err


def test_a_failed_fit_is_status_1(tmp_path, capsys):
    path = tmp_path / "separated.csv"
    path.write_text("y,x\n" + "".join(f"{int(i > 9)},{i}\n" for i in range(20)))
    assert main(["fit", str(path), "y ~ x"]) == 1
    said = capsys.readouterr()
    assert "NOT CONVERGED" in said.out
    assert "diverging" in said.err


def test_the_program_explains_itself():
    run = subprocess.run(
        [sys.executable, "-m", "asymptotix.cli", "fit", "--help"], capture_output=True, text=True
    )
    assert run.returncode == 0
    assert "--cov" in run.stdout
