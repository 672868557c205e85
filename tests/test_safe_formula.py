"""Formulas of people one does not trust: nothing is run that is not the formula language."""

import numpy as np
import pandas as pd
import pytest

import asymptotix as asx
from asymptotix.cli import main

rng = np.random.default_rng(0)
DATA = pd.DataFrame(rng.random((60, 3)), columns=["y", "x", "my z"]).assign(g=list("abc") * 20)
OUTSIDE = 3.0

SAFE = [
    "y ~ x + g",
    "y ~ bs(x, df=4) + C(g, contr.sum)",
    "y ~ np.log(x + 1) + poly(x, 2)",
    "np.sqrt(y) ~ scale(`my z`) + {x / 2}",
    "y ~ C(g, Treatment(reference='b')) + log(x)",
    "y ~ np.where(x > 0.5, x, 0)",
]
UNSAFE = [
    "y ~ __import__('os').system('true')",
    "y ~ I(x.__class__)",
    "y ~ np.load('x.npy', allow_pickle=True)",
    "y ~ np.log.__self__(x)",
    "y ~ I(eval('x'))",
    "y ~ I(open('/etc/passwd').read())",
    "y ~ I((lambda: x)())",
    "y ~ I([v for v in x])",
    "y ~ I(x * OUTSIDE)",
    "y ~ I(np)",
    "y ~ np.lib.npyio.fromregex(x)",
    "y ~ I(x.to_csv('out.csv'))",
    "I(exec('y')) ~ x",
    "y ~ I(f'{x}')",
    "y ~ I(x := 3)",
    "y ~ contr.__class__(x)",
]


@pytest.mark.parametrize("formula", SAFE)
def test_the_formula_language_is_allowed(formula):
    safe = asx.linear(formula, DATA, safe=True)
    assert safe.params.equals(asx.linear(formula, DATA).params)
    assert np.isfinite(safe.predict(DATA)).all()


@pytest.mark.parametrize("formula", UNSAFE)
def test_anything_else_is_refused_before_it_runs(formula):
    with pytest.raises(asx.InputError) as caught:
        asx.linear(formula, DATA, safe=True)
    assert caught.value.code in ("unsafe_formula", "formula")


def test_every_part_of_a_family_with_several_predictors():
    formulas = {"mu": "y ~ x", "log_sigma": "~ I(x.sum())"}
    with pytest.raises(asx.InputError, match="safe=True"):
        asx.glm(formulas, DATA, asx.LocationScale(), safe=True)


def test_the_command_line_is_safe_unless_told_otherwise(tmp_path, capsys):
    path = tmp_path / "data.csv"
    DATA.to_csv(path, index=False)
    formula = "y ~ I(x.abs())"
    assert main(["fit", str(path), formula, "--model", "linear"]) == 2
    assert "safe=True" in capsys.readouterr().err
    assert main(["fit", str(path), formula, "--model", "linear", "--trust-formula"]) == 0
