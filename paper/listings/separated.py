import warnings

import asymptotix as asx

data = {"y": [1, 1, 1, 0, 0], "a": [1, 3, 2, 6, 5], "b": [3, 5, 4, 2, 1]}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what it says is printed next
    res = asx.logit("y ~ a + b", data)
print(res.status, res.params.to_dict())
firth = asx.logit("y ~ a + b", data, penalty=asx.Jeffreys())
print(firth.conf_int(method="profile").assign(estimate=firth.params).round(2))
