"""Three models of the same decision on real data: `python -m asymptotix.demo`.

Fits a linear probability model, a logit and a probit of married women's labour-force participation
(Mroz 1987), puts the numbers beside those of statsmodels, and draws the coefficients.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from asymptotix import api
from asymptotix.data.examples import load_example
from asymptotix.plots import coefficient_plot
from asymptotix.results import Results, Row, Table

FORMULA = "inlf ~ nwifeinc + educ + exper + I(exper**2) + age + kidslt6 + kidsge6"
PICTURE = "asymptotix-demo.png"
MODELS = {"lpm": api.lpm, "logit": api.logit, "probit": api.probit}


def main(folder: Path | str = ".") -> None:
    """Print the tables and the comparison, and write the picture into `folder`."""
    data = load_example("mroz")
    print(f"Labour-force participation of {len(data)} married women in 1975\n{FORMULA}\n")
    fits = {name: fit(FORMULA, data) for name, fit in MODELS.items()}
    for res in fits.values():
        print(res.summary(), end="\n\n")
    for table in comparisons(fits, data):
        print(table, end="\n\n")
    print(draw(fits, Path(folder) / PICTURE))


def comparisons(fits: dict[str, Results], data: pd.DataFrame) -> list[Table | str]:
    """One table a model: our numbers beside those of statsmodels, or how to get it."""
    try:
        theirs = statsmodels_fits(data)
    except ImportError:
        return [
            'The comparison needs statsmodels; install it with: pip install "asymptotix[validate]"'
        ]
    return [compared(res, theirs[name]) for name, res in fits.items()]


def statsmodels_fits(data: pd.DataFrame) -> dict:
    """The same models and conventions there, solved to the last digit."""
    import statsmodels.formula.api as smf

    tight = {"tol": 1e-14, "maxiter": 100, "disp": False}
    return {
        "lpm": smf.ols(FORMULA, data).fit(cov_type="HC1", use_t=True),
        "logit": smf.logit(FORMULA, data).fit(**tight),
        "probit": smf.probit(FORMULA, data).fit(**tight),
    }


def compared(res: Results, other) -> Table:
    """Coefficients and standard errors side by side, and the largest relative differences."""
    ours = np.column_stack([res.params, res.bse])
    theirs = np.column_stack([other.params, other.bse])
    coefficients, errors = np.abs(ours / theirs - 1).max(axis=0)
    likelihood = abs(res.llf / other.llf - 1)
    cells = np.column_stack([ours[:, 0], theirs[:, 0], ours[:, 1], theirs[:, 1]])
    return Table(
        title=f"{res.title}: Asymptotix beside statsmodels",
        header=(
            ("Covariance", res.covariance.kind.label),
            ("Coefficients differ by", f"{coefficients:.0e}"),
            ("Log-likelihoods differ by", f"{likelihood:.0e}"),
            ("Standard errors differ by", f"{errors:.0e}"),
        ),
        columns=("Estimate", "statsmodels", "Std. error", "statsmodels"),
        rows=tuple(
            Row(name, tuple(f"{value:.9f}" for value in row))
            for name, row in zip(res.names, cells, strict=True)
        ),
        notes=("Differences are relative, the largest of all coefficients.",),
    )


def draw(fits: dict[str, Results], path: Path) -> str:
    """Draw the coefficients, and say where the picture is or what it needs."""
    try:
        figure = coefficient_plot(*fits.values(), per="sd")
    except ImportError as error:
        return str(error)
    figure.savefig(path, dpi=150)
    return f"Coefficients with 95% intervals: {path}"


if __name__ == "__main__":
    main()
