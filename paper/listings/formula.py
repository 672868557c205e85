import asymptotix as asx

data = asx.load_example("mroz")
res = asx.logit("inlf ~ educ + exper + I(exper**2) + kidslt6", data)
print(res.with_cov("HC1").summary())
print(res.avg_slopes().frame[["term", "estimate", "std.error"]].round(4).to_string(index=False))
