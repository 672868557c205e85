# Covariances of lm and glm fits by sandwich and clubSandwich, as tests/data/covariances.json.
#
#   Rscript tests/oracles/covariances.R > tests/data/covariances.json
#
# The data are written out with the results, so that the tests need no R.
suppressMessages({
  library(sandwich); library(clubSandwich); library(jsonlite)
})

set.seed(20240607)
n <- 180
firm <- sample(c("ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "pine",
                 "rowan", "spruce", "yew", "lime"), n, replace = TRUE, prob = c(5:1, 1:9))
year <- sample(2001:2009, n, replace = TRUE)
# rounded, so that the digits written out are all there are
x1 <- round(rnorm(n) + ave(rnorm(n), firm), 6)
x2 <- as.numeric(runif(n) < 0.4)
shock <- rnorm(length(unique(firm)))[match(firm, unique(firm))] + rnorm(9)[year - 2000] / 2
y <- round(1 + 0.5 * x1 - 0.7 * x2 + shock + rnorm(n) * exp(x1 / 3), 6)
binary <- as.numeric(0.3 * x1 - 0.5 * x2 + shock / 2 + rlogis(n) > 0)
count <- rpois(n, exp(0.3 + 0.2 * x1 - 0.3 * x2 + shock / 4))
data <- data.frame(y, binary, count, x1, x2, firm, year)

tight <- glm.control(epsilon = 1e-14, maxit = 100)
# Fisher scoring of a probit stops in the tenth digit; start it again from there
polished <- function(f) {
  for (i in 1:5) f <- update(f, start = coef(f))
  f
}
fits <- list(
  lm = lm(y ~ x1 + x2, data),
  logit = glm(binary ~ x1 + x2, binomial, data, control = tight),
  probit = glm(binary ~ x1 + x2, binomial("probit"), data, control = tight),
  poisson = glm(count ~ x1 + x2, poisson, data, control = tight)
)
fits[-1] <- lapply(fits[-1], polished)

flat <- function(matrix) unname(as.matrix(matrix))
robust <- lapply(fits, function(f) {
  found <- list()
  for (type in paste0("HC", 0:5)) found[[type]] <- flat(vcovHC(f, type = type))
  found$cluster <- flat(vcovCL(f, ~firm))
  found$cluster_HC0 <- flat(vcovCL(f, ~firm, type = "HC0", cadjust = FALSE))
  found$cluster_HC1 <- flat(vcovCL(f, ~firm, type = "HC1"))
  found$two_way <- flat(vcovCL(f, ~ firm + year, type = "HC1"))
  found$two_way_HC0 <- flat(vcovCL(f, ~ firm + year, type = "HC0", cadjust = FALSE))
  for (type in c("CR0", "CR3")) found[[type]] <- flat(vcovCR(f, data$firm, type = type))
  found$newey_west_3 <- flat(NeweyWest(f, lag = 3, prewhite = FALSE))
  found$newey_west <- flat(NeweyWest(f, prewhite = FALSE))
  found$newey_west_adjusted <- flat(NeweyWest(f, lag = 3, prewhite = FALSE, adjust = TRUE))
  for (kernel in c("Bartlett", "Parzen", "Quadratic Spectral")) {
    # every lag counts: by default weights below 1e-7 are dropped
    found[[paste("andrews", kernel)]] <- flat(
      kernHAC(f, kernel = kernel, prewhite = FALSE, adjust = FALSE, tol = 0))
    found[[paste("bandwidth", kernel)]] <- bwAndrews(f, kernel = kernel, prewhite = FALSE)
    found[[paste("newey-west bandwidth", kernel)]] <- bwNeweyWest(f, kernel, prewhite = FALSE)
  }
  found$driscoll_kraay <- flat(
    vcovPL(f, cluster = ~firm, order.by = ~year, lag = 2, adjust = FALSE))
  found$coef <- unname(coef(f))
  found
})

# Of the square roots that make CR2 unbiased under the working model, clubSandwich takes another
# than ours where working weights are not constant (and sandwich one that is not), hence lm only.
club <- vcovCR(fits$lm, data$firm, type = "CR2")
satterthwaite <- list(CR2 = flat(club),
                      df = coef_test(fits$lm, vcov = club, test = "Satterthwaite")$df_Satt)

# a panel with one row for each unit and year, some missing
panel <- expand.grid(unit = 1:15, year = 1:10)
# vcovPL counts units by the last row's, so that must be the last unit
panel <- panel[sort(c(sample(nrow(panel) - 1, 119), nrow(panel))), ]
panel$x <- round(rnorm(nrow(panel)), 6)
panel$y <- round(1 + panel$x + rnorm(15)[panel$unit] + rnorm(nrow(panel)), 6)
f <- lm(y ~ x, panel)
within <- list(
  data = as.list(panel),
  panel_hac = flat(vcovPL(f, cluster = panel$unit, order.by = panel$year, lag = 2,
                          aggregate = FALSE, adjust = FALSE)),
  driscoll_kraay = flat(vcovPL(f, cluster = panel$unit, order.by = panel$year, lag = 2,
                               adjust = FALSE))
)

weight <- round(runif(n, 0.5, 3), 4)
weighted <- lm(y ~ x1 + x2, data, weights = weight)
weights <- list(
  weight = weight,
  HC3 = flat(vcovHC(weighted, type = "HC3")),
  cluster_HC1 = flat(vcovCL(weighted, ~firm, type = "HC1"))
)
cat(toJSON(list(data = as.list(data), fits = robust, satterthwaite = satterthwaite, panel = within, weighted = weights,
                versions = list(R = as.character(getRversion()),
                                sandwich = as.character(packageVersion("sandwich")),
                                clubSandwich = as.character(packageVersion("clubSandwich")))),
           digits = NA, auto_unbox = TRUE))
