# Bootstrap intervals and jackknives in R 4.2 (boot 1.3-28.1), as fixtures for
# tests/test_resampling_r.py. Run from the root of the repository:
#
#     Rscript tests/oracles/resampling.R
#
# Frequencies of each draw are written as digits, one string a replicate, so that the same draws can
# be fitted elsewhere. Influence values are boot's infinitesimal ones, by numerical derivatives.

suppressPackageStartupMessages({ library(boot); library(jsonlite) })

d <- read.csv("src/asymptotix/data/files/mroz.csv")[seq(1, 753, by = 11), ]
n <- nrow(d)
tight <- glm.control(epsilon = 1e-14, maxit = 100)
x <- cbind(1, d$educ, d$kidslt6 + d$kidsge6)
y <- d$inlf
estimate <- function(w) {
  suppressWarnings(glm.fit(x, y, weights = as.numeric(w), family = quasibinomial(), control = tight)$coefficients)
}

set.seed(20)
out <- boot(d, function(data, w) unname(estimate(w * n)), R = 399, stype = "w")
frequencies <- boot.array(out)
intervals <- lapply(1:3, function(j) {
  influence <- empinf(out, index = j, type = "inf", stype = "w")
  ci <- boot.ci(out, conf = c(0.9, 0.95), type = c("perc", "basic", "bca"), index = j, L = influence)
  list(percent = unname(ci$percent[, 4:5]), basic = unname(ci$basic[, 4:5]),
       bca = unname(ci$bca[, 4:5]), bca_order = unname(ci$bca[, 2:3]),
       acceleration = sum(influence^3) / (6 * sum(influence^2)^1.5))
})

full <- estimate(rep(1, n))
left_out <- t(sapply(seq_len(n), function(i) estimate(as.numeric(seq_len(n) != i))))
group <- seq_len(n) %% 9
left_groups <- t(sapply(0:8, function(g) estimate(as.numeric(group != g))))
jackknife <- function(e, center) (nrow(e) - 1) / nrow(e) * crossprod(sweep(e, 2, center))

write(toJSON(list(
  frequencies = apply(frequencies, 1, paste, collapse = ""),
  replicates = out$t, estimate = out$t0, intervals = intervals,
  jackknife = list(mean = jackknife(left_out, colMeans(left_out)),
                   estimate = jackknife(left_out, full),
                   clusters = jackknife(left_groups, colMeans(left_groups)))
), digits = NA, auto_unbox = TRUE), "tests/data/resampling.json")
