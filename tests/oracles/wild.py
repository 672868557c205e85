"""The wild cluster bootstrap of the package wildboottest 0.3.2, for tests/test_wild_bootstrap.py.

Run from the root of the repository, in an environment of its own with wildboottest and pandas:

    python tests/oracles/wild.py

With eight clusters all 256 combinations of signs are drawn, so that nothing is random; Webb's
weights over 31 clusters are, and their p-value has a Monte-Carlo error.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from wildboottest.wildboottest import WildboottestCL

mroz = pd.read_csv("src/asymptotix/data/files/mroz.csv")
NAMES = ["educ", "age", "kidslt6", "kidsge6"]
X = np.column_stack([np.ones(len(mroz)), mroz[NAMES].to_numpy(float)])
Y = mroz["nwifeinc"].to_numpy(float)


def wild(name, cluster, weights, draws):
    restriction = np.zeros(5)
    restriction[1 + NAMES.index(name)] = 1.0
    test = WildboottestCL(X=X, Y=Y, cluster=cluster, R=restriction, B=draws, seed=1)
    test.get_scores(bootstrap_type="11", impose_null=True)
    test.get_weights(weights_type=weights)
    test.get_numer()
    test.get_denom()
    test.get_tboot()
    test.get_vcov()
    test.get_tstat()
    test.get_pvalue()
    replicates = np.sort(np.asarray(test.t_boot, float).ravel() ** 2)
    found = {"t": float(np.squeeze(test.t_stat)), "p": float(test.pvalue)}
    return {**found, "replicates": replicates.tolist()} if weights == "rademacher" else found


decade = ((mroz["age"] - 30) // 4).to_numpy()
out = {
    "rademacher": {name: wild(name, decade, "rademacher", 9999) for name in NAMES},
    "webb": {name: wild(name, mroz["age"].to_numpy(), "webb", 9999) for name in NAMES},
}
Path("tests/data/wild.json").write_text(json.dumps(out, indent=1) + "\n")
