"""Execute the notebooks in place: all of them (`make notebooks`), or those that are named.

    python notebooks/run.py s5_circles

A notebook is its own source: edit it in Jupyter or as text, then run this. Outputs are kept, small
and free of what changes from one machine to the next.
"""

import base64
import io
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
WHERE = re.compile(r"^/\S+\.py:\d+: (?=\w+Warning: )|(?<=\n)  .*\n", re.MULTILINE)
"""Where a warning arose, with its line of code: a path of this machine."""
QUIET = ["--IPKernelApp.log_level=40"]
SHADES = 128
"""Colours that a picture keeps."""


def main(names: list[str]) -> None:
    paths = [HERE / f"{name.removesuffix('.ipynb')}.ipynb" for name in names]
    for path in paths or sorted(HERE.glob("*.ipynb")):
        start = time.perf_counter()
        book = nbformat.read(path, as_version=4)
        NotebookClient(book, timeout=300, kernel_name="python3", extra_arguments=QUIET).execute()
        tidy(book)
        nbformat.write(book, path)
        seconds, size = time.perf_counter() - start, path.stat().st_size / 1e3
        print(f"{path.name:32s} {seconds:5.0f} s {size:5.0f} kB")


def tidy(book) -> None:
    """Leave out times and versions; number the cells; make pictures small."""
    book.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(book.cells, start=1):
        cell.id, cell.metadata = f"cell-{number}", {}
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = smaller(data["image/png"])
                data.pop("text/plain", None)
            if output.get("name") == "stderr":
                output.text = WHERE.sub("", output.text)
        if cell.cell_type == "code":
            cell.outputs = joined([o for o in cell.outputs if not is_progress(o)])


def joined(outputs: list) -> list:
    """Outputs, with what was printed in one go as one."""
    kept = []
    for output in outputs:
        if kept and output.get("name") and output.get("name") == kept[-1].get("name"):
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def is_progress(output) -> bool:
    """Whether it is what a progress bar wrote."""
    return output.output_type == "stream" and "\r" in output.text


def smaller(encoded: str) -> str:
    """A picture with fewer colours."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    target = io.BytesIO()
    picture.quantize(SHADES, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
    return base64.b64encode(target.getvalue()).decode()


if __name__ == "__main__":
    main(sys.argv[1:])
