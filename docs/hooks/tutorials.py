"""The notebooks as pages: text, code, tables and pictures as they were when last run."""

import base64
import json
import re
from pathlib import Path

from mkdocs.structure.files import File

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def on_files(files, config):
    """Add a page for each notebook, and its pictures beside it."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        name, pictures = path.stem, {}
        text = as_markdown(json.loads(path.read_text(encoding="utf-8")), name, pictures)
        files.append(File.generated(config, f"tutorials/{name}.md", content=text))
        for picture, content in pictures.items():
            files.append(File.generated(config, f"tutorials/{picture}", content=content))
    return files


def as_markdown(book: dict, name: str, pictures: dict[str, bytes]) -> str:
    """A notebook as Markdown; fills `pictures` with the files that it refers to."""
    parts = []
    for cell in book["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
            continue
        parts.append(f"```python\n{text}\n```")
        parts += [part for output in cell["outputs"] if (part := shown(output, name, pictures))]
    return "\n\n".join(parts) + "\n"


def shown(output: dict, name: str, pictures: dict[str, bytes]) -> str:
    """One output of a cell."""
    if output["output_type"] == "stream":
        kind = "warned" if output["name"] == "stderr" else "printed"
        return fenced("".join(output["text"]), kind)
    data = output.get("data", {})
    if "image/png" in data:
        picture = f"{name}-{len(pictures) + 1}.png"
        pictures[picture] = base64.b64decode("".join(data["image/png"]))
        return f"![Picture {len(pictures)} of this page]({picture})"
    if "text/html" in data:
        table = re.sub(
            r"<style scoped>.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL
        )
        return f'<div class="output">\n{re.sub(chr(10) + r"{2,}", chr(10), table)}\n</div>'
    return fenced("".join(data.get("text/plain", "")), "printed") if data else ""


def fenced(text: str, kind: str) -> str:
    """Text as it was printed."""
    return f"``` {{.text .{kind}}}\n{text.rstrip()}\n```" if text.strip() else ""
