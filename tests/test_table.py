"""The table object and its four renderers."""

import math
from html.parser import HTMLParser

import pytest

from asymptotix.results.latex import escaped as latex_escaped
from asymptotix.results.latex import latex_cell
from asymptotix.results.numbers import (
    common_decimals,
    interval,
    number,
    p_value,
    statistic,
)
from asymptotix.results.table import Row, Table
from asymptotix.results.text import screen_width, shortened

KINDS = ("estimate", "error", "statistic", "log_p", "bound", "bound")
COLUMNS = ("Estimate", "Std. error", "z", "P>|z|", "[0.025", "0.975]")


def coefficient_table(**changes) -> Table:
    # the logit of Wooldridge's Mroz example, three of its coefficients
    fields = {
        "title": "Logit: inlf",
        "header": (
            ("Model", "Logit"),
            ("Observations", "753"),
            ("Log-likelihood", "-401.7652"),
        ),
        "columns": COLUMNS,
        "rows": (
            Row("Intercept", (0.425452, 0.860364, 0.4945, math.log(0.621), -1.2608, 2.1117)),
            Row("nwifeinc", (-0.0213452, 0.0084214, -2.5346, math.log(0.0113), -0.03785, -0.00484)),
            Row("kidslt6", (-1.443354, 0.203583, -7.0898, -27.33, -1.84237, -1.04434)),
            Row("kidsge6", (math.nan, math.nan, math.nan, math.nan, None, None)),
            Row("shape", (1.25, 0.25, None, None, 0.75999, math.inf), "Nuisance parameters"),
        ),
        "notes": ("Standard errors from the observed information.",),
        "kinds": KINDS,
    }
    return Table(**(fields | changes))


GOLDEN = """\
                                  Logit: inlf
================================================================================
Model:                            Logit  Observations:                       753
Log-likelihood:               -401.7652
--------------------------------------------------------------------------------
                        Estimate  Std. error       z   P>|z|    [0.025    0.975]
--------------------------------------------------------------------------------
Intercept                0.42545     0.86036   0.494   0.621  -1.26080   2.11170
nwifeinc                -0.02135     0.00842  -2.535   0.011  -0.03785  -0.00484
kidslt6                 -1.44335     0.20358  -7.090  <0.001  -1.84237  -1.04434
kidsge6                        —           —       —       —
Nuisance parameters
shape                    1.25000     0.25000                   0.75999         ∞
================================================================================
Standard errors from the observed information."""


def test_text_as_a_person_sees_it():
    assert coefficient_table().to_text() == GOLDEN
    assert str(coefficient_table()) == GOLDEN == repr(coefficient_table())


LONG = "C(occupation_of_the_husband_in_1975, Treatment('clerical'))[T.farm labourers & foremen]"


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": "A long title " * 20},
        {"header": (("Formula", "y ~ " + " + ".join(f"variable_{i}" for i in range(60))),)},
        {"header": (("x" * 200, "y" * 200),)},
        {"notes": ("word " * 100, "unbroken" * 40, "漢字" * 80)},
        {"rows": (Row(LONG, (1.0,) * 6), Row("漢" * 90, ("long text " * 20,) * 6, "s" * 200))},
        {"columns": tuple(f"Model number {i}" for i in range(6))},
        {"rows": ()},
    ],
)
def test_no_line_is_wider_than_asked(changes, width):
    text = coefficient_table(**changes).to_text(width)
    assert max(screen_width(line) for line in text.splitlines()) <= width


def test_columns_that_do_not_fit_follow_below():
    columns = tuple(f"({i}) Model" for i in range(1, 13))
    rows = (Row("educ", tuple(float(i) for i in range(1, 13))),)
    text = Table("Twelve models", (), columns, rows).to_text()
    assert all(column in text for column in columns)
    assert text.count("educ") == 2


def test_labels_are_shortened_in_the_middle():
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghij", 6) == "abc…ij"
    assert screen_width(shortened("漢字漢字漢字", 7)) <= 7
    text = coefficient_table(rows=(Row(LONG, (1.0,) * 6),)).to_text()
    assert "C(occup" in text
    assert "oremen]" in text


def test_shortened_labels_stay_apart():
    # Seventeen columns, all that is left of 80, do not tell them apart; columns follow below.
    names = [f"sector: C({region})[T.{end}east]" for region in ("new", "old") for end in "xyz"]
    assert len({shortened(name, 17) for name in names}) == 3
    names.append("Intercept")
    for width in (80, 72):
        rows = tuple(Row(name, (1.0,) * 6) for name in names)
        lines = coefficient_table(
            rows=rows, columns=("Relative-risk ratio", "Std. error", "z", "p", "95% low", "high")
        ).to_text(width).splitlines()  # fmt: skip
        assert max(map(screen_width, lines)) <= width
        shown = [text.split("  ")[0].strip() for text in lines if text.startswith("sector")]
        assert len(set(shown)) == 6
    assert shortened("abcdefghij", 2) == "a…"


# --- numbers ---------------------------------------------------------------------------------


def test_a_column_has_common_decimals():
    # middle 0.2 to four digits asks for 4, smallest 0.0031 to three for 5
    assert common_decimals([0.42, -1.44, 0.2, 0.0031]) == 5
    assert common_decimals([12345.6, 23456.7]) == 0
    assert common_decimals([]) == common_decimals([0.0, math.nan, math.inf]) == 3


def test_magnitudes_that_have_no_common_decimals():
    assert common_decimals([1e-12, 1e8, 0.5]) is None
    table = Table("t", (), ("x",), tuple(Row(str(v), (v,)) for v in (1e-12, -1e8, 0.5, 0.0)))
    cells = [row.cells[0] for row in table.grid().rows]
    assert cells == ["1.000e-12", "-1.000e+08", "0.5000", "0"]
    # a number that rounds up to the next power of ten keeps four digits
    assert number(9.99996, None) == "10.00"


def test_standard_errors_decide_the_digits_of_estimates():
    rows = (Row("a", (1e-9, 0.1)), Row("b", (0.5, 0.2)))
    table = Table("t", (), ("b", "se"), rows, kinds=("estimate", "error"))
    assert [row.cells for row in table.grid().rows] == [("0.000", "0.100"), ("0.500", "0.200")]
    withheld = Table(
        "t", (), ("b", "se"), (Row("a", (1.5, math.nan)),), kinds=("estimate", "error")
    )
    assert withheld.grid().rows[0].cells == ("1.500", "—")


def test_missing_withheld_infinite_text_and_counts():
    row = Row("x", (None, math.nan, math.inf, -math.inf, "text", 753))
    (formatted,) = Table("t", (), tuple("abcdef"), (row,)).grid().rows
    assert formatted.cells == ("", "—", "∞", "-∞", "text", "753")


@pytest.mark.parametrize(
    ("log_p", "brief", "detailed"),
    [
        (0.0, "1.000", "1.000"),
        (1e-17, "1.000", "1.000"),
        (math.log(0.0324), "0.032", "0.032"),
        (math.log(0.001), "0.001", "0.001"),
        (math.log(0.0009999), "<0.001", "1.0e-03"),
        (-40.0, "<0.001", "4.2e-18"),  # exp(-40) = 4.248e-18
        (-800 * math.log(10), "<0.001", "<1e-300"),
        (-math.inf, "<0.001", "<1e-300"),
        (math.nan, "—", "—"),
    ],
)
def test_p_values_from_their_logarithm(log_p, brief, detailed):
    assert p_value(log_p) == brief
    assert p_value(log_p, detailed=True) == detailed


def test_statistics_intervals_and_zero():
    assert statistic(-2.53461) == "-2.535"
    assert statistic(1.5e9) == "1.500e+09"
    assert statistic(math.inf) == "∞"
    assert interval(-0.03785, 2.1, 3) == "[-0.038, 2.100]"
    assert interval(-math.inf, 0.5) == "[-∞, 0.5000]"
    assert number(-0.0001, 2) == "0.00"


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="'x' has 1 cells for 2 columns"):
        Table("t", (), ("a", "b"), (Row("x", (1.0,)),))
    with pytest.raises(ValueError, match="1 kinds for 2 columns"):
        Table("t", (), ("a", "b"), (), kinds=("estimate",))


# --- HTML ------------------------------------------------------------------------------------


class WellFormed(HTMLParser):
    """Checks that tags close in order, and keeps the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_html_is_well_formed_and_escaped():
    nasty = "<script>alert('x')</script> & \"quotes\""
    table = coefficient_table(
        title=nasty, notes=(nasty,), header=((nasty, nasty),), rows=(Row(nasty, (nasty,) * 6),)
    )
    parser = WellFormed()
    parser.feed(table.to_html())
    parser.close()
    assert parser.open == []
    assert "script" not in parser.tags
    assert parser.text.count(nasty) == 1 + 1 + 2 + 7


def test_html_needs_no_style_sheet_and_takes_the_colours_of_the_page():
    html = coefficient_table()._repr_html_()
    assert "<style" not in html
    assert "color:inherit" in html
    assert "−0.02135" in html
    assert 'colspan="7"' in html
    assert "Nuisance parameters" in html


# --- LaTeX -----------------------------------------------------------------------------------


def test_latex_specials_are_literal():
    assert latex_escaped("a_b % & # $ ^ ~ \\ { }") == (
        r"a\_b \% \& \# \$ \textasciicircum{} \textasciitilde{} \textbackslash{} \{ \}"
    )


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("-0.02135", "$-0.02135$"),
        ("<0.001", "$<0.001$"),
        ("1.000e-12", r"$1.000 \times 10^{-12}$"),
        ("-∞", r"$-\infty$"),
        ("—", "---"),
        ("", ""),
        ("yes_no", r"yes\_no"),
    ],
)
def test_latex_numbers(text, latex):
    assert latex_cell(text) == latex


def test_latex_table_has_booktabs_rules_and_even_rows():
    latex = coefficient_table(rows=(Row("x_1 & x_2", (1.0,) * 6),)).to_latex()
    rules = [latex.index(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")]
    assert rules == sorted(rules)
    (line,) = [line for line in latex.splitlines() if line.startswith("x")]
    assert line.startswith(r"x\_1 \& x\_2 & ")
    assert line.replace(r"\&", "").count("&") == 6
    assert latex.count(r"\begin{") == latex.count(r"\end{") == 2


# --- Markdown --------------------------------------------------------------------------------


def test_markdown_is_a_pipe_table_with_escaped_pipes():
    markdown = coefficient_table(rows=(Row("a|b*c_d", (1.0,) * 6, "S"),)).to_markdown()
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert all(line.replace(r"\|", "").count("|") == 8 for line in lines)
    assert r"P\>\|z\|" in lines[0]
    assert r"a\|b\*c\_d" in lines[3]
