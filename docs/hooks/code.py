"""Links to files of the package, `../src/...`, lead to pages that show them."""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(\.\./src/asymptotix/(?P<file>[\w/]+)\.py\)")
NOTEBOOK = re.compile(r"\]\(\.\./notebooks/(?P<name>\w+)\.ipynb\)")


def on_files(files, config):
    """Add a page for each file that a page links to."""
    texts = [f.content_string for f in files.documentation_pages() if f.src_uri.count("/") == 0]
    for name in sorted({found["file"] for text in texts for found in LINK.finditer(text)}):
        code = (ROOT / "src" / "asymptotix" / f"{name}.py").read_text(encoding="utf-8")
        text = f"---\nsearch:\n  exclude: true\n---\n# {name}.py\n\n````python\n{code}````\n"
        files.append(File.generated(config, f"code/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, page, **_) -> str:
    """Links as they are on the site."""
    up = posixpath.relpath(".", posixpath.dirname(page.file.src_uri) or ".")
    markdown = LINK.sub(lambda found: f"]({up}/code/{found['file']}.md)", markdown)
    return NOTEBOOK.sub(lambda found: f"]({up}/tutorials/{found['name']}.md)", markdown)
