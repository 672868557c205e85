# Bias-reduced and penalised estimates by brglm2, as tests/data/bias_reduction.json.
#
#   Rscript tests/oracles/bias_reduction.R > tests/data/bias_reduction.json
#
# The data are written out with the results, so that the tests need no R.
suppressMessages({
  library(brglm2); library(jsonlite)
})

data("endometrial", package = "brglm2")
five <- data.frame(y = c(1, 1, 1, 0, 0), x1 = c(1, 3, 2, 6, 5), x2 = c(3, 5, 4, 2, 1))
set.seed(20240608)
n <- 40
counts <- data.frame(x = round(rnorm(n), 6), g = rep(c(0, 1), c(28, 12)),
                     e = round(runif(n, -0.5, 0.5), 6), w = sample(1:3, n, replace = TRUE))
counts$y <- rpois(n, exp(0.2 + 0.4 * counts$x + counts$e)) * (counts$g == 0)
groups <- data.frame(z = round(rnorm(12), 6), m = sample(1:8, 12, replace = TRUE))
groups$s <- rbinom(12, groups$m, plogis(0.5 + groups$z))

types <- c("MPL_Jeffreys", "AS_mean", "AS_median", "AS_mixed")
# started again from its own answer, since its last steps are short
one <- function(type, formula, family, data) {
  control <- brglmControl(type = type, epsilon = 1e-13, maxit = 5000)
  if (is.null(data$w)) data$w <- 1
  start <- NULL
  for (i in 1:4) {
    fit <- suppressWarnings(glm(formula, family, data, weights = w, method = "brglmFit",
                                control = control, start = start))
    start <- coef(fit)
  }
  list(params = unname(coef(fit)), bse = unname(sqrt(diag(vcov(fit)))))
}
all_types <- function(...) sapply(types, function(type) one(type, ...), simplify = FALSE)

fits <- list(
  logit = all_types(HG ~ NV + PI + EH, binomial("logit"), endometrial),
  probit = all_types(HG ~ NV + PI + EH, binomial("probit"), endometrial),
  cloglog = all_types(HG ~ NV + PI + EH, binomial("cloglog"), endometrial),
  poisson = all_types(y ~ x + g + offset(e), poisson("log"), counts),
  five = all_types(y ~ x1 + x2, binomial("logit"), five),
  grouped = all_types(cbind(s, m - s) ~ z, binomial("cloglog"), groups)
)
cat(toJSON(list(endometrial = as.list(endometrial), counts = as.list(counts), five = as.list(five),
                groups = as.list(groups), fits = fits), digits = NA, auto_unbox = TRUE))
