# Makes tests/data/families_r.json: Rscript tests/oracles/families.R tests/data/families_r.json
# Fits of families with a dispersion, with their data, by stats::glm and MASS::glm.nb.
suppressMessages({library(MASS); library(jsonlite)})
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
set.seed(7)

n <- 80
x <- round(runif(n, -1, 1), 4)
z <- round(rnorm(n), 4)
mean_log <- exp(0.4 + 0.5 * x - 0.2 * z)
amount <- signif(rgamma(n, shape = 4, rate = 4 / mean_log), 6)
heterogeneity <- rgamma(n, shape = 2, rate = 2)
count <- rpois(n, 2 * mean_log * heterogeneity)
trials <- sample(3:12, n, replace = TRUE)
share <- plogis(0.3 + 0.8 * x + 0.7 * rnorm(n))
successes <- rbinom(n, trials, share)

tight <- glm.control(epsilon = 1e-14, maxit = 200)
record <- function(fit) {
  s <- summary(fit)
  number <- function(v) if (is.finite(v)) v else NULL
  list(
    coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))), scale = s$dispersion,
    deviance = deviance(fit), null_deviance = fit$null.deviance,
    llf = number(as.numeric(logLik(fit))), aic = number(AIC(fit))
  )
}
log_fit <- glm(amount ~ x + z, family = Gamma("log"), control = tight)
fits <- list(
  "gamma-inverse" = glm(amount ~ x + z, family = Gamma(), control = tight),
  "gamma-log" = log_fit,
  "gamma-identity" = glm(amount ~ x + z, family = Gamma("identity"), control = tight,
    mustart = fitted(log_fit)),
  "inverse_gaussian-inverse_square" = glm(amount ~ x + z, family = inverse.gaussian(),
    control = tight, mustart = fitted(log_fit)),
  "inverse_gaussian-log" = glm(amount ~ x + z, family = inverse.gaussian("log"), control = tight),
  "quasipoisson-log" = glm(count ~ x + z, family = quasipoisson(), control = tight),
  "quasibinomial-logit" = glm(cbind(successes, trials - successes) ~ x + z,
    family = quasibinomial(), control = tight)
)
# glm stops once the deviance stays, when coefficients are right to its square root only.
polished <- function(fit) {
  for (i in 1:40) fit <- glm(formula(fit), family = fit$family, control = tight, start = coef(fit))
  fit
}
out <- lapply(lapply(fits, polished), record)

# Alternating fits stop early; at a fixed theta both halves are then taken to their end.
nb <- suppressWarnings(glm.nb(count ~ x + z, control = glm.control(epsilon = 1e-15, maxit = 500)))
theta <- nb$theta
for (i in 1:200) {
  nb <- glm(count ~ x + z, family = negative.binomial(theta), control = tight)
  # It warns that steps of 1e-15 are not reached; rounding stops it near there.
  theta <- suppressWarnings(as.numeric(theta.ml(count, fitted(nb), limit = 50, eps = 1e-15)))
}
out[["negative_binomial-log"]] <- list(
  coef = unname(coef(nb)), theta = theta, deviance = deviance(nb),
  se_fixed_theta = unname(sqrt(diag(summary(nb, dispersion = 1)$cov.scaled))),
  llf = sum(dnbinom(count, size = theta, mu = fitted(nb), log = TRUE))
)
out$data <- list(x = x, z = z, amount = amount, count = count, trials = trials,
                 successes = successes)
path <- commandArgs(trailingOnly = TRUE)[1]
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = FALSE, null = "null"), path)
