"""How a fit ended, as small integers that survive `jit` and `vmap`."""

CODES = (
    "converged",
    "converged_to_rounding",
    "max_steps",
    "diverging",
    "separated",
    "boundary",
    "rank_deficient",
    "not_finite",
    "indefinite",
    "stalled",
    "running",
    "early_stopped",
)
CODE = {name: code for code, name in enumerate(CODES)}

MESSAGES = {
    "converged": "the estimates are at the maximum of the likelihood",
    "converged_to_rounding": (
        "the estimates are at the maximum as far as rounding in the data's scale lets it be seen"
    ),
    "max_steps": (
        "the solver ran out of steps before the maximum; raise max_steps, "
        "or look for a nearly flat direction of the likelihood"
    ),
    "diverging": (
        "the likelihood keeps rising while estimates run away, so no finite maximum was found; "
        "a column, or a combination of columns, probably predicts the outcome perfectly"
    ),
    "separated": (
        "a combination of columns predicts the outcome perfectly, so the maximum-likelihood "
        "estimate does not exist; drop the column, pool its levels, or penalise"
    ),
    "boundary": (
        "the likelihood rises up to the edge of where the model is defined; choose a link whose "
        "mean stays inside the support, or, where a parameter of the family goes to its limit, "
        "the simpler family there (Poisson, where the alpha of a negative binomial goes to 0)"
    ),
    "rank_deficient": "some columns repeat others, so their coefficients cannot be told apart",
    "not_finite": "the log-likelihood is not finite at the start; check the scale of the data",
    "indefinite": (
        "the information matrix is not positive definite at the estimate, "
        "so standard errors do not exist there"
    ),
    "stalled": (
        "no step along Newton's direction raises the likelihood, although its score is not zero; "
        "check the scale of the data"
    ),
    "running": "the solver has not finished",
    "early_stopped": (
        "training was stopped where the loss of rows kept apart was best, which is no maximum "
        "of the likelihood"
    ),
}

SUCCESSES = (CODE["converged"], CODE["converged_to_rounding"])


def succeeded(code):
    """Whether a code (or an array of codes) means that the maximum was found."""
    return (code == SUCCESSES[0]) | (code == SUCCESSES[1])
