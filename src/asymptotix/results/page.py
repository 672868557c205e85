"""A self-contained page: sections under a title, with a style for screens, phones and print."""

import dataclasses
from html import escape

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: #fff; color: #1a1a1a;
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; } h2 { font-size: 1.1rem; margin-top: 2rem;
  border-bottom: 1px solid #bbb; }
.scroll, .asymptotix { overflow-x: auto; max-width: 100%; font-variant-numeric: tabular-nums; }
.asymptotix table { white-space: nowrap; font-size: 0.9rem; }
.plain { border-collapse: collapse; font-size: 0.9rem; }
.plain th { text-align: left; font-weight: normal; padding: 0.1rem 1rem 0.1rem 0;
  vertical-align: top; }
.pictures { display: grid; gap: 1rem; margin-top: 1.2rem;
  grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
figure { margin: 0; min-width: 0; } img { max-width: 100%; height: auto; display: block; }
figcaption { font-size: 0.85rem; color: #444; } .said { font-style: italic; }
@media (max-width: 30rem) { .pictures { grid-template-columns: 1fr; } body { padding: 0.7rem; }
  .asymptotix table { font-size: 0.63rem; }
  .asymptotix th, .asymptotix td { padding: 0.15em 0.22em !important; } }
@media print { body { max-width: none; font-size: 11pt; } figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; } .pictures { grid-template-columns: 1fr 1fr; }
  .asymptotix table { font-size: 8.5pt; } }
"""


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and fragments of HTML below it; figures stand side by side where there is room."""

    heading: str
    parts: list[str]

    def html(self) -> str:
        """The section as HTML."""
        figures = [part for part in self.parts if part.startswith("<figure")]
        rest = [part for part in self.parts if not part.startswith("<figure")]
        gallery = [f"<div class='pictures'>{''.join(figures)}</div>"] if figures else []
        body = "\n".join([*rest, *gallery])
        return f"<section><h2>{escape(self.heading)}</h2>\n{body}\n</section>"


def page(title: str, sections: list[Section]) -> str:
    """A whole document.

    Arguments:
        title: plain text.
        sections: in order.
    """
    named = escape(title)
    body = "\n".join(section.html() for section in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{named}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{named}</h1>
{body}
</body>
</html>
"""
