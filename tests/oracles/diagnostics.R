# Residuals, leverages and influence in R 4.2 (stats), as fixtures for tests/test_diagnostics.py.
# Run from the root of the repository:
#
#     Rscript tests/oracles/diagnostics.R
#
# Only every seventh row is kept. AUC by the rank-sum statistic, its error by DeLong's placements.

suppressPackageStartupMessages(library(jsonlite))

d <- read.csv("src/asymptotix/data/files/mroz.csv")
d$w <- 1 + (seq_len(nrow(d)) %% 3)
tight <- glm.control(epsilon = 1e-14, maxit = 100)
work <- inlf ~ nwifeinc + educ + exper + I(exper^2) + age + kidslt6 + kidsge6
count <- kidsge6 ~ educ + age + nwifeinc
line <- nwifeinc ~ educ + age + kidslt6 + kidsge6
some <- seq(1, nrow(d), by = 7)

diagnose <- function(fit) {
  kinds <- c("response", "pearson", "deviance", "working")
  of_kind <- function(kind) unname(residuals(fit, kind))[some]
  list(residuals = setNames(lapply(kinds, of_kind), kinds),
       hat = unname(hatvalues(fit))[some],
       cooks = unname(cooks.distance(fit))[some],
       standard = unname(rstandard(fit))[some])
}
fits <- list(
  logit = glm(work, binomial, d, control = tight),
  probit = glm(work, binomial("probit"), d, control = tight),
  poisson = glm(count, poisson, d, control = tight),
  linear = glm(line, gaussian, d, control = tight),
  precision = glm(line, gaussian, d, weights = w, control = tight))
out <- lapply(fits, diagnose)
# dfbeta of a glm takes deviance residuals in R, so that only linear models serve.
out$linear$dfbeta <- unname(dfbeta(lm(line, d)))[some, ]
out$linear$dfbetas <- unname(dfbetas(lm(line, d)))[some, ]
out$precision$dfbetas <- unname(dfbetas(lm(line, d, weights = w)))[some, ]

p <- fitted(fits$logit)
event <- p[d$inlf == 1]; other <- p[d$inlf == 0]
m <- length(event); n <- length(other)
win <- outer(event, other, ">") + 0.5 * outer(event, other, "==")
out$discrimination <- list(
  auc = mean(win), ranks = unname(wilcox.test(event, other, exact = FALSE)$statistic) / (m * n),
  error = sqrt(var(rowMeans(win)) / m + var(colMeans(win)) / n))

out$se_fit <- list(
  link = unname(predict(fits$probit, se.fit = TRUE)$se.fit)[some],
  response = unname(predict(fits$probit, type = "response", se.fit = TRUE)$se.fit)[some])

write(toJSON(out, digits = I(17), auto_unbox = TRUE), "tests/data/diagnostics.json")
