"""Opens the page in a real browser, offline."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH"),
]
QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
]
ASKED = '"initiator":"null"'  # network log entry of a page opened from a file; the browser's own differ


@pytest.fixture(scope="session")
def path(html, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(html, encoding="utf-8")
    return file


def browse(path, folder, *words):
    command = [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", *words, path.as_uri()]
    return subprocess.run(command, capture_output=True, check=True, timeout=300)


def screenshot(path, folder, width, height):
    file = folder / "shot.png"
    browse(path, folder, f"--screenshot={file}", f"--window-size={width},{height}")
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_browser_renders_the_page_without_requests(path, tmp_path):
    log = tmp_path / "net.json"
    dom = browse(path, tmp_path, "--dump-dom", f"--log-net-log={log}").stdout.decode()
    assert dom.count("<article") == 52
    assert dom.count("<img") == 3
    assert re.findall(r"(?:src|href)=\"(?!data:|#)", dom) == []
    assert '"url":' in log.read_text(errors="replace")
    assert ASKED not in log.read_text(errors="replace")


def test_network_log_would_show_an_external_image(tmp_path):
    file, log = tmp_path / "page.html", tmp_path / "net.json"
    file.write_text('<img src="http://example.invalid/picture.png">')
    browse(file, tmp_path, "--dump-dom", f"--log-net-log={log}")
    assert ASKED in log.read_text(errors="replace")


@pytest.mark.parametrize("width", [390, 1280])
def test_page_fits_the_width_and_is_neither_empty_nor_cut(path, tmp_path, width):
    height = 3000
    pixels = screenshot(path, tmp_path, width, height)
    assert pixels.shape == (height, width, 3)
    ink = np.abs(pixels - pixels[0, 0]).sum(axis=2) > 60
    assert 0.01 < ink.mean() < 0.4
    assert ink[-1000:].any()  # content continues at the bottom
    assert not ink[200:, -10:].any()  # below the navigation nothing overflows to the right


def test_choosing_a_verdict_hides_the_other_claims(html, path, tmp_path):
    chosen = tmp_path / "chosen.html"
    start = html.replace('id="paper-all" checked', 'id="paper-all"').replace(
        'id="paper-fails"', 'id="paper-fails" checked'
    )
    body = "<style>main > section:not(#claims), header, nav { display: none }</style></head>"
    chosen.write_text(start.replace("</head>", body), encoding="utf-8")
    every = tmp_path / "every.html"
    every.write_text(html.replace("</head>", body), encoding="utf-8")
    few, all_of_them = (screenshot(file, tmp_path, 1280, 6000) for file in (chosen, every))

    def last_line(pixels):
        return np.flatnonzero((pixels != pixels[-1, -1]).any(axis=(1, 2))).max(initial=0)

    assert 300 < last_line(few) < 0.4 * last_line(all_of_them)
