"""The navigation: pages in the order of these lists, and any page that is on none of them."""

from pathlib import Path

HERE = Path(__file__).parents[1]
NOTEBOOKS = HERE.parent / "notebooks"
GUIDES = ("effects", "diagnostics", "routes", "streams", "scaling", "extending")
BACKGROUND = ("mathematics", "conventions", "errors", "benchmarks")
TUTORIALS = (
    "labour_force",
    "s1_linear_boundary",
    "s2_by_hand",
    "s3_regression_to_networks",
    "s4_against_statsmodels",
    "s5_circles",
)


def on_config(config):
    """Set the navigation from the files that there are; the reference adds itself."""
    pages = {path.stem for path in HERE.glob("*.md")} - {"index", "README"}
    books = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    guides = ordered(GUIDES, pages - set(BACKGROUND))
    config.nav = [
        {"Home": "index.md"},
        {"Tutorials": [f"tutorials/{name}.md" for name in ordered(TUTORIALS, books)]},
        {"Guides": [f"{name}.md" for name in guides]},
        {"Background": [f"{name}.md" for name in ordered(BACKGROUND, pages & set(BACKGROUND))]},
    ]
    return config


def ordered(first, there: set[str]) -> list[str]:
    """Those of a list that there are, then the others by name."""
    return [name for name in first if name in there] + sorted(there - set(first))
