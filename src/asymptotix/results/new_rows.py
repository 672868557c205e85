"""Rows a fit has not seen: new data read as the fit's own were."""

from typing import Any

import numpy as np

from asymptotix.core.errors import InputError, close_matches
from asymptotix.data.columns import column
from asymptotix.data.frames import open_source, read_frame
from asymptotix.data.response import Response, recoded
from asymptotix.data.rows import Rows


def new_rows(res: Any, new_data: Any) -> Rows:
    """The rows of new data, with the levels, knots, scales and event of a fit; unweighted.

    Rows with a missing value are left out.

    Arguments:
        res: a `Results`.
        new_data: anything a fit takes, with the variables and the response.

    Raises:
        InputError: missing columns, an expression as response, a grouped response, or no rows.
    """
    name = res.spec.response_name
    if res.inputs.response_kind == "grouped":
        raise InputError(
            "New rows are judged one observation a row, and this response is of groups.",
            code="family",
        )
    known = open_source(new_data).names
    if name not in known:
        raise InputError(
            f"The new data have no column '{name}', which is the response."
            f"{close_matches(str(name), known)}",
            code="unknown_name",
            column=name,
        )
    x, kept = res.spec.design(new_data)
    answer = column(read_frame(new_data, [name]), name)
    seen = answer.notna().to_numpy()[kept]
    kept[kept] = seen
    if not kept.any():
        raise InputError("No row of the new data is without missing values.", code="no_rows")
    offset = np.broadcast_to(res._offset(new_data, kept, res.inputs.offset), kept.sum())
    levels = Response(np.empty(0), res.event, tuple(res.levels))
    y = recoded(answer.loc[kept], name, levels)
    x = {part: v[seen] for part, v in x.items()} if isinstance(x, dict) else x[seen]
    return Rows(x, y, offset=np.array(offset))
