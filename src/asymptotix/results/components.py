"""Names of the parts of a vector-valued prediction."""

from typing import Any


def component_names(res: Any, scale: str) -> list[str]:
    """Levels of the response on its own scale, otherwise the components of eta.

    Arguments:
        res: a `Results`.
        scale: `"response"` or another.
    """
    if scale == "response":
        return [str(level) for level in res.levels or ()]
    return list(getattr(res.model.predictor, "names", res.model.family.eta_names))
