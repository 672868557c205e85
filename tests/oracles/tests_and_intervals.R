# Tests and intervals in R 4.2 (stats, MASS, lmtest, sandwich), as fixtures for
# tests/test_inference_r.py. Run from the root of the repository:
#
#     Rscript tests/oracles/tests_and_intervals.R
#
# MASS::confint interpolates the profile by a spline, here through finely spaced points.

suppressPackageStartupMessages({
  library(MASS); library(lmtest); library(sandwich); library(jsonlite)
})

d <- read.csv("src/asymptotix/data/files/mroz.csv")
d$w <- 1 + (seq_len(nrow(d)) %% 3)
d$o <- 0.1 * sin(seq_len(nrow(d)))
tight <- glm.control(epsilon = 1e-14, maxit = 100)

full <- inlf ~ nwifeinc + educ + exper + I(exper^2) + age + kidslt6 + kidsge6
small <- inlf ~ nwifeinc + educ + exper + age
count_full <- kidsge6 ~ educ + age + nwifeinc
count_small <- kidsge6 ~ educ
line_full <- nwifeinc ~ educ + age + kidslt6 + kidsge6
line_small <- nwifeinc ~ educ + age

limits <- function(fit) {
  pr <- profile(fit, alpha = 0.001, maxsteps = 400, del = 0.05)
  ci <- confint(pr)
  list(lower = unname(ci[, 1]), upper = unname(ci[, 2]))
}
compare <- function(a, b) {
  rao <- anova(a, b, test = "Rao")
  lrt <- anova(a, b, test = "LRT")
  wald <- waldtest(a, b, test = "Chisq")
  list(rao = rao$Rao[2], rao_p = rao$`Pr(>Chi)`[2],
       lr = lrt$Deviance[2], lr_p = lrt$`Pr(>Chi)`[2], df = lrt$Df[2],
       lrtest = lrtest(a, b)$Chisq[2],
       wald = wald$Chisq[2], wald_p = wald$`Pr(>Chisq)`[2])
}
pair <- function(a, b) c(compare(a, b), list(confint = limits(b)))

logit <- list(glm(small, binomial, d, control = tight), glm(full, binomial, d, control = tight))
# Fisher scoring is linear here: each restart goes a few digits further.
probit <- lapply(list(small, full), function(f) {
  fit <- glm(f, binomial("probit"), d, control = tight)
  for (i in 1:6) fit <- glm(f, binomial("probit"), d, control = tight, start = coef(fit))
  fit
})
counts <- lapply(list(count_small, count_full), function(f) glm(f, poisson, d, control = tight))
weighted <- lapply(list(small, full), function(f) {
  environment(f) <- environment()
  glm(f, binomial, d, weights = d$w, offset = d$o, control = tight)
})
gaussian_glm <- lapply(list(line_small, line_full), function(f) glm(f, gaussian, d, control = tight))
gammas <- lapply(list(faminc ~ educ, faminc ~ educ + age + kidsge6), function(f) {
  fit <- glm(f, Gamma("log"), d, control = tight)
  for (i in 1:6) fit <- glm(f, Gamma("log"), d, control = tight, start = coef(fit))
  fit
})
gamma_f <- anova(gammas[[1]], gammas[[2]], test = "F")
gamma_rao <- anova(gammas[[1]], gammas[[2]], test = "Rao")
lines <- lapply(list(line_small, line_full), lm, data = d)

gaussian_rao <- anova(gaussian_glm[[1]], gaussian_glm[[2]], test = "Rao")
gaussian_f <- anova(gaussian_glm[[1]], gaussian_glm[[2]], test = "F")
wald_f <- waldtest(lines[[1]], lines[[2]], test = "F")
wald_hc0 <- waldtest(lines[[1]], lines[[2]], test = "F", vcov = function(x) vcovHC(x, type = "HC0"))
wald_hc1 <- waldtest(logit[[1]], logit[[2]], test = "Chisq",
                     vcov = function(x) sandwich(x) * nrow(d) / (nrow(d) - length(coef(x))))
reset <- resettest(lines[[2]], power = 2:3, type = "fitted")

hosmer <- function(fit, g = 10) {
  p <- fitted(fit); y <- fit$y
  cuts <- cut(p, breaks = quantile(p, probs = seq(0, 1, 1 / g)), include.lowest = TRUE)
  observed <- xtabs(cbind(1 - y, y) ~ cuts)
  expected <- xtabs(cbind(1 - p, p) ~ cuts)
  sum((observed - expected)^2 / expected)
}
hats <- data.frame(y = d$inlf, h = logit[[2]]$linear.predictors)
link <- glm(y ~ h + I(h^2), binomial, hats, control = tight)

p <- c(0.001, 0.04, 0.03, 0.5, 0.012, 0.9, 0.02)

out <- list(
  logit = pair(logit[[1]], logit[[2]]),
  probit = pair(probit[[1]], probit[[2]]),
  poisson = pair(counts[[1]], counts[[2]]),
  weighted = pair(weighted[[1]], weighted[[2]]),
  gaussian = list(rao = gaussian_rao$Rao[2],
                  dispersion = summary(gaussian_glm[[2]])$dispersion,
                  dispersion_small = summary(gaussian_glm[[1]])$dispersion,
                  F = gaussian_f$F[2], F_p = gaussian_f$`Pr(>F)`[2],
                  wald_F = wald_f$F[2], wald_HC0_F = wald_hc0$F[2],
                  confint_lm = unname(confint(lines[[2]])),
                  confint_glm = limits(gaussian_glm[[2]]),
                  reset_F = unname(reset$statistic), reset_p = unname(reset$p.value)),
  gamma = list(F = gamma_f$F[2], F_p = gamma_f$`Pr(>F)`[2], rao = gamma_rao$Rao[2],
               dispersion_small = summary(gammas[[1]])$dispersion, confint = limits(gammas[[2]])),
  logit_wald_HC1 = wald_hc1$Chisq[2],
  hosmer = hosmer(logit[[2]]),
  link_z = unname(summary(link)$coefficients[3, 3]),
  adjust = list(p = p, holm = p.adjust(p, "holm"), bonferroni = p.adjust(p, "bonferroni"),
                fdr_bh = p.adjust(p, "BH"))
)
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "tests/data/tests_and_intervals.json")
