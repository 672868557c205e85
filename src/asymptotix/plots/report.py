"""The pictures of a report, by name."""

import contextlib
from typing import IO, Any

from asymptotix.plots.canvas import pyplot
from asymptotix.plots.coefficients import coefficient_plot
from asymptotix.plots.judgement import calibration_plot, roc_plot
from asymptotix.plots.prediction import prediction_plot
from asymptotix.plots.residuals import influence_plot, residual_plot

KINDS = {
    "coefficients": lambda res: coefficient_plot(res),
    "prediction": lambda res, name: prediction_plot(res, name).figure,
    "calibration": lambda res, cv, key: calibration_plot(res, cv=cv, key=key).figure,
    "roc": lambda res, cv, key: roc_plot(res, cv=cv, key=key).figure,
    "residuals": lambda res: residual_plot(res).figure,
    "influence": lambda res: influence_plot(res).figure,
}
SAME_BYTES: Any = {"svg.hashsalt": "asymptotix", "svg.fonttype": "path"}


def draw(kind: str, target: IO[bytes], *given: Any) -> None:
    """Draw one picture of a report as SVG.

    Arguments:
        kind: one of `KINDS`.
        target: where the bytes go.
        given: what the picture takes.
    """
    plt = pyplot()
    with plt.rc_context(SAME_BYTES), contextlib.ExitStack() as after:
        figure = KINDS[kind](*given)
        after.callback(plt.close, figure)
        figure.savefig(target, format="svg", dpi=150, metadata={"Date": None})
