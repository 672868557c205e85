"""Formulas become MathML when the site is built: no scripts, no fonts from elsewhere."""

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=tag)>',
    re.DOTALL,
)
OPERATOR = re.compile(
    r"(<mi>(?:log|exp|max|min|sup|inf|Pr|sin|cos|cosh)</mi>)(?=<m(?:i|n|row|sub|sup|over))"
)
"""Names of functions, which stand a thin space before what they apply to."""
ARG = re.compile(r"\\arg(?![a-z])")
"""A name that the converter does not know."""


def on_page_content(content: str, **_) -> str:
    """Every formula that arithmatex marked, as MathML."""
    return FORMULA.sub(mathml, content)


def mathml(found: re.Match) -> str:
    """One formula as it stands on a page."""
    display = "block" if found["open"] == "[" else "inline"
    return converted(html.unescape(found["tex"]).strip(), display)


def converted(tex: str, display: str = "inline") -> str:
    """One formula."""
    made = convert(ARG.sub(r"\\mathrm{arg}\\,", tex), display=display)
    return OPERATOR.sub(r'\1<mspace width="0.167em"/>', made)
