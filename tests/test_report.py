"""The report: complete in one file, and it reads in a browser as wide as a phone or a desk."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import jax
import matplotlib
import pandas as pd
import pytest

import asymptotix as asx
from asymptotix.cli import main
from conftest import MROZ

matplotlib.use("Agg")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
PROBE = """<script>
const said = [];
window.addEventListener("error", e => said.push(String(e.message)), true);
window.addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body, section, figure, img, p, h1")]
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 0.5).length;
  const images = [...document.images];
  document.body.dataset.found = JSON.stringify({
    errors: said, wide, width: window.innerWidth,
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    images: images.length, drawn: images.filter(i => i.naturalWidth > 0).length,
    text: document.body.innerText.slice(0, 20000),
  });
});
</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory, mroz):
    path = tmp_path_factory.mktemp("report") / "out.html"
    res = asx.logit(MROZ, mroz)
    assert res.report(path, cv=4, key=jax.random.key(0)) == path
    return path


class Links(HTMLParser):
    """Every address that a page names."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.found += [v for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_alone(page, mroz):
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert not links.open
    assert all(address.startswith("data:") for address in links.found)
    assert "url(" not in text
    assert "<script" not in text
    assert len(re.findall("<img", text)) == 9
    res = asx.logit(MROZ, mroz)
    for heading in ("Estimates", "Effects", "Predictions", "Diagnostics", "Conventions"):
        assert f"<h2>{heading}</h2>" in text
    for name in res.names:
        assert name in text
    assert f"{float(res.auc(cv=4, key=jax.random.key(0))):.4f}" in text
    assert all(key in text for key in res.conventions)


def rendered(page, folder, width):
    """What a browser of this width makes of the page."""
    probed = folder / f"probed{width}.html"
    text = page.read_text(encoding="utf-8").replace("</head>", f"{PROBE}</head>")
    probed.write_text(text, encoding="utf-8")
    run = subprocess.run(
        [
            BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000",
            "--enable-logging=stderr", f"--window-size={max(width, 500)},900", "--dump-dom",
            framed(probed, folder, width).as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    spoken = [x for x in run.stderr.splitlines() if "CONSOLE" in x]
    return json.loads(re.search(r"<pre>(.*?)</pre>", run.stdout, re.DOTALL)[1]), spoken


def framed(probed, folder, width):
    """The page in a frame of exactly that width: windows are never as narrow as a phone."""
    outer = folder / f"frame{width}.html"
    inner = json.dumps(probed.read_text(encoding="utf-8")).replace("</", "<\\/")
    outer.write_text(
        "<!doctype html>"
        f"<iframe id=f width={width} height=900 style='border:0'></iframe><pre></pre>"
        f"<script>const f = document.getElementById('f'); f.srcdoc = {inner};"
        "f.onload = () => setTimeout(() => { document.querySelector('pre').textContent ="
        " f.contentDocument.body.dataset.found; }, 300);</script>",
        encoding="utf-8",
    )
    return outer


@pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_it_without_errors_or_overflow(page, tmp_path, width):
    found, spoken = rendered(page, tmp_path, width)
    assert spoken == []
    assert found["errors"] == []
    assert found["width"] == width
    assert found["overflow"] <= 0
    assert found["wide"] == 0
    assert found["images"] == found["drawn"] == 9
    for word in ("Logit", "kidslt6", "Average slopes", "Conventions"):
        assert word in found["text"]


def test_other_models_have_the_sections_that_they_can(mroz, tmp_path):
    labels = mroz.iloc[:99].assign(y=["a", "b", "c"] * 33)
    pages = {
        "linear": asx.linear("nwifeinc ~ educ", mroz),
        "levels": asx.glm("y ~ age", labels, family=asx.Multinomial()),
        "apart": asx.logit("inlf ~ educ", mroz, keep_data=False),
    }
    found = {}
    for name, res in pages.items():
        found[name] = res.report(tmp_path / f"{name}.html", title=f"<{name}>").read_text()
        assert f"<h1>&lt;{name}&gt;</h1>" in found[name]
    assert "<h2>Predictions</h2>" not in found["linear"]
    assert "<h2>Diagnostics</h2>" in found["linear"]
    assert "<h2>Effects</h2>" not in found["apart"]
    assert "Average slopes" in found["levels"]
    for picture in ("Prediction against age", "Influence of single rows"):
        assert f"<figcaption>{picture}</figcaption>" in found["levels"]
    assert "several residuals a row" in found["levels"]
    data = pd.DataFrame({"y": [0.0, 0, 0, 1, 1, 1], "x": [1.0, 2, 3, 4, 5, 6]})
    with pytest.warns(asx.FitWarning):
        failed = asx.logit("y ~ x", data)
    assert "NOT CONVERGED" in failed.report(tmp_path / "failed.html").read_text()
    with pytest.raises(asx.InputError, match="go together"):
        pages["linear"].report(tmp_path / "no.html", cv=5)


def test_the_command_line_writes_it(mroz, tmp_path, capsys):
    data, out = tmp_path / "mroz.csv", tmp_path / "out.html"
    mroz.to_csv(data, index=False)
    assert main(["fit", str(data), "inlf ~ educ", "--report", str(out)]) == 0
    assert "Calibration" in out.read_text()
    assert "Logit" in capsys.readouterr().out
