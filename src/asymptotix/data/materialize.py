"""How formulaic lays out the columns of a design, without copies that nobody needs."""

from typing import Any

import numpy as np
from formulaic.materializers import PandasMaterializer
from interface_meta import override


class Columns(PandasMaterializer):
    """Formulaic's own, except that a term of one factor is that factor's columns themselves.

    Formulaic multiplies them by 1, which at 1e6 rows copies a whole design.
    """

    @override
    def _get_columns_for_term(
        self, factors: list[dict[str, Any]], spec: Any, scale: float = 1
    ) -> dict[str, Any]:
        if len(factors) == 1 and scale == 1 and spec.output == "pandas":
            return {name: np.asarray(values) for name, values in factors[0].items()}
        return super()._get_columns_for_term(factors, spec, scale)
