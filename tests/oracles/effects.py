"""Writes tests/data/effects.json with marginaleffects 0.1 (PyPI) on statsmodels fits.

    pip install "marginaleffects<0.2" "polars<1.40" "pandas<3" "statsmodels<0.15"
    python tests/oracles/effects.py MROZ.csv tests/data/effects.json

marginaleffects takes its derivatives by one-sided differences: agreement is to about 1e-5.
"""

import json
import sys

import marginaleffects as me
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

KEPT = ("term", "contrast", "region", "kidslt6", "estimate", "std_error")

data = pd.read_csv(sys.argv[1])
data["region"] = np.where(data["age"] > 45, "south", np.where(data["age"] > 36, "north", "east"))
logit = smf.logit(
    "inlf ~ nwifeinc + educ * region + exper + I(exper**2) + age * kidslt6", data
).fit(disp=0, tol=1e-14)
poisson = smf.poisson("kidsge6 ~ educ + age + I(age**2) + region", data).fit(
    disp=0, tol=1e-14, maxiter=100
)


def rows(found) -> list:
    return found.select([c for c in found.columns if c in KEPT]).to_dicts()


answers = {
    "logit slopes": me.avg_slopes(logit, variables=["nwifeinc", "educ", "exper", "age"]),
    "logit slopes at 8": me.slopes(logit, variables="educ", newdata=data.assign(educ=8.0).head(5)),
    "logit eyex": me.avg_slopes(logit, variables="exper", slope="eyex"),
    "logit dyex": me.avg_slopes(logit, variables="exper", slope="dyex"),
    "logit eydx": me.avg_slopes(logit, variables="exper", slope="eydx"),
    "logit region": me.avg_comparisons(logit, variables={"region": "pairwise"}),
    "logit educ 4": me.avg_comparisons(logit, variables={"educ": [8.0, 12.0]}),
    "logit educ ratio": me.avg_comparisons(
        logit, variables={"educ": [8.0, 12.0]}, comparison="ratioavg"
    ),
    "logit educ lnor": me.avg_comparisons(
        logit, variables={"educ": [8.0, 12.0]}, comparison="lnoravg"
    ),
    "logit by kids": me.avg_predictions(logit, by="kidslt6"),
    "logit slopes by region": me.avg_slopes(logit, variables="exper", by="region"),
    "poisson slopes": me.avg_slopes(poisson, variables=["educ", "age"]),
    "poisson region": me.avg_comparisons(poisson, variables={"region": "reference"}),
    "hypothesis": me.hypotheses(logit, "b5 / b6 = 2"),
}
with open(sys.argv[2], "w") as file:
    json.dump({name: rows(found) for name, found in answers.items()}, file, indent=1)
    file.write("\n")
