"""Areas under ROC curves and DeLong's variances by confidenceinterval 1.0.5 (PyPI).

    pip install --no-deps confidenceinterval
    python tests/oracles/delong.py

Scores are single variables of the Mroz data, most of them with ties; the logit of one variable
ranks as that variable does, so that no estimate takes part.
"""

import json
from pathlib import Path

import numpy as np
from confidenceinterval.delong import delong_roc_variance

import asymptotix as asx

NAMES = ("educ", "exper", "age", "nwifeinc")


def main() -> None:
    data, found = asx.load_example("mroz"), {}
    for name in NAMES:
        score = data[name].to_numpy(float)
        sign = 1 if np.corrcoef(score, data["inlf"])[0, 1] > 0 else -1
        area, variance = delong_roc_variance(data["inlf"].to_numpy(int), sign * score)
        found[name] = {"area": float(area), "error": float(np.sqrt(variance))}
    path = Path(__file__).parent.parent / "data" / "delong.json"
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
