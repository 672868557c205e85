"""The reference: one page a theme, made of the public list, so that no name can be missing."""

from mkdocs.structure.files import File

import asymptotix

THEMES = {
    "models": (
        "Models by formula",
        ("api", "networks", "results", "data.examples", "data.streams"),
    ),
    "arrays": ("Models of arrays", ("model", "predictors", "core.parameters", "data.rows")),
    "families": ("Families and links", ("families", "links")),
    "fitting": (
        "Fitting, solvers, separation",
        ("fitting", "detection", "data.mesh", "core.enumeration", "core.errors"),
    ),
    "penalties": ("Penalties and bias reduction", ("penalties",)),
    "covariances": ("Covariances and resampling", ("covariances",)),
    "inference": ("Tests and intervals", ("inference",)),
    "effects": ("Effects", ("effects",)),
    "diagnostics": ("Diagnostics", ("diagnostics",)),
    "simulation": ("Simulation", ("simulation",)),
    "plots": ("Plots", ("plots",)),
    "sklearn": ("scikit-learn", ()),
}
"""Page, title, and the parts of the package whose names it has; others go to the last of all."""
OTHER = ("other", "Other names")
WHOLE = ("Results",)
"""Classes that are shown with what they inherit."""


def on_config(config):
    """Add the reference to the navigation."""
    pages = ["reference/index.md", *(f"reference/{page}.md" for page in contents())]
    config.nav = [*config.nav, {"Reference": pages}]
    return config


def on_files(files, config):
    """Add the pages, and one with all names."""
    pages = contents()
    for page, (title, names) in pages.items():
        parts = [f"# {title}\n", *(entry(name) for name in names)]
        files.append(File.generated(config, f"reference/{page}.md", content="\n".join(parts)))
    files.append(File.generated(config, "reference/index.md", content=index(pages)))
    return files


def contents() -> dict[str, tuple[str, list[str]]]:
    """For each page its title and its names."""
    where = {part: page for page, (_, parts) in THEMES.items() for part in parts}
    found = {page: (title, []) for page, (title, _) in THEMES.items()} | {OTHER[0]: (OTHER[1], [])}
    for name in asymptotix.__all__:
        part = asymptotix._PUBLIC[name].removeprefix("asymptotix.")
        page = where.get(part) or where.get(part.split(".")[0], OTHER[0])
        found[page][1].append(f"asymptotix.{name}")
    found["sklearn"][1].extend(f"asymptotix.sklearn.{n}" for n in asymptotix.sklearn.__all__)
    for _, names in found.values():
        names.sort(key=lambda name: (name.rsplit(".")[-1][0].isupper(), name.lower()))
    return {page: given for page, given in found.items() if given[1]}


def entry(name: str) -> str:
    """What mkdocstrings is asked for."""
    short = name.removeprefix("asymptotix.")
    lines = [
        f"::: {name}",
        "    options:",
        f'      heading: "{short}"',
        f'      toc_label: "{short}"',
    ]
    if short in WHOLE:
        lines.append("      inherited_members: true")
    return "\n".join(lines) + "\n"


def index(pages) -> str:
    """All public names, by theme."""
    parts = [
        "# Reference\n",
        "Every public name, as `asx.name` after `import asymptotix as asx`.\n",
    ]
    for page, (title, names) in pages.items():
        links = ", ".join(f"[`{n.removeprefix('asymptotix.')}`]({page}.md#{n})" for n in names)
        parts.append(f"## [{title}]({page}.md)\n\n{links}\n")
    return "\n".join(parts)
