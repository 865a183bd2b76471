import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from fake_folder import COMMIT, NOT_RUN, PAPER, planned, rows_of, summary_of, write_experiment

from mtl.report.claims.sources import our_evidence
from mtl.report.read.scores import paper_scores
from mtl.report.render.text import blocks
from mtl.report.web.page import Made, markdown, page
from mtl.report.web.stored import metrics_of, read_lines, read_table

VOID = {"meta", "link", "img", "input", "br"}


class Reader(HTMLParser):
    """Collects tags with attributes, text, and wrongly nested end tags."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.misplaced, self.words = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open += [tag] * (tag not in VOID)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.misplaced.append((tag, self.getpos()))

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def read(html):
    return Reader(html)


def section_of(html, name):
    return html.split(f'id="{name}"', 1)[1].split('<details class="section"', 1)[0].split("</section>", 1)[0]


def rows_in(html, label):
    found = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", html, re.DOTALL)
    return [row for row in found if Reader(row).text.split(" runs below")[0].startswith(label)]


def cells_in(row):
    return [Reader(cell).text for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]


def test_page_is_html_with_language_title_and_viewport(html, read):
    assert html.startswith("<!doctype html>\n<html lang=")
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in read.tags
    assert "<title>Imbalance" in html
    assert read.misplaced == []
    assert read.open == []


def test_every_id_is_there_once_and_every_link_inside_the_page_has_a_target(read):
    ids = Counter(about["id"] for _, about in read.tags if "id" in about)
    assert set(ids.values()) == {1}
    links = {about["href"] for tag, about in read.tags if tag == "a"}
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_page_makes_no_requests(html, read):
    sources = [about.get("src") or about.get("href") for tag, about in read.tags if tag in ("img", "link", "script")]
    assert all(source.startswith("data:") for source in sources)
    assert not re.search(r"url\(|@import|<script|<iframe|srcset", html)
    assert "default-src 'none'" in html


def test_text_of_commands_and_remarks_is_escaped(html, read):
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 4  # the command, a note, and the UW network of both blocks
    assert 'python train.py a <b> & "c" \'</style><script>' in read.text


def test_numbers_are_those_of_the_markdown_table(html, results):
    table = read_table(results / "tables" / "table2_nyud.csv")
    lines = read_lines(results / "summary" / "table2_nyud.csv")
    metrics = metrics_of(table, lines, paper_scores(PAPER))
    parts = blocks(table, metrics, "pipe")["NYUD-v2, ResNet-18, Vanilla"]
    markdown = [[cell.strip(" *") for cell in line.split("|")[2:-1]] for line in parts[0].splitlines()[2:]]
    section = section_of(html, "table2_nyud")
    for row, cells in zip(rows_of("II", "NYUD-v2"), markdown, strict=False):
        there = cells_in(rows_in(section, row[5])[0])
        assert Counter(there) == Counter(cells)
    assert "± " in " ".join(there)


def test_best_is_bold_and_delta_m_comes_first(html):
    section = section_of(html, "table2_nyud")
    best = [row for row in re.findall(r"<tr>.*?</tr>", section, re.DOTALL) if "<strong>" in row]
    assert best
    headings = re.findall(r"<th scope=\"colgroup\".*?>(.*?)</th>", section)
    assert headings[:5] == ["Δm % ↑", "semseg mIoU % ↑", "depth RMSE m ↓", "normals mErr deg ↓", "edge odsF % ↑"]


def test_row_opens_to_folder_hash_commit_device_protocol_steps_seeds_and_command(html):
    section = section_of(html, "table2_nyud")
    origin = section.split("<summary>Grid Search</summary>", 1)[1].split('class="origin"', 1)[1].split("</tr>", 1)[0]
    text = Reader(origin).text
    for said in (
        COMMIT,
        "cuda (NVIDIA A100)",
        "edge=nyud",
        "40000",
        "seeds 0, 1, 2",
        "runs/nyud_resnet18_vanilla_grid",
    ):
        assert said in text
    assert "python train.py experiment=table2 dataset=nyud 'Grid Search' seed=0" in text
    assert re.search(r"config [0-9a-f]{8}", text)


def test_single_task_row_names_a_network_for_each_task(html):
    section = section_of(html, "table2_nyud")
    origin = section.split("<summary>Single-task</summary>", 1)[1].split("</tr>", 2)[1]
    assert origin.count('class="network"') == 4


def test_row_without_a_run_says_so_and_shows_the_papers_number(html):
    section = section_of(html, "table2_nyud")
    for name in NOT_RUN:
        row = rows_in(section, name)[0]
        assert "not run" in row
        assert "<details>" not in row
    assert "-3.62" in cells_in(rows_in(section, "FAMO")[0])
    assert "make table2 DATASET=nyud" in section


def test_table_without_runs_shows_the_paper_and_the_command(html):
    section = section_of(html, "table4_pascal_context")
    assert "not run" in section
    assert "make table4 DATASET=pascal_context" in section
    assert cells_in(rows_in(section, "ImageNet-1K: Uniform")[0])[:2] == ["-5.39", "74.94"]
    assert "<details><summary>" not in section


def test_paper_weights_of_table_6_are_in_the_cost_table(html):
    section = section_of(html, "table6_nyud")
    assert ["1.22", "2.47", "3.97", "114"] in [cells_in(row) for row in rows_in(section, "AvgNorm")]


def test_misprint_is_a_footnote_of_its_row(html):
    section = section_of(html, "table3_nyud")
    assert "the paper prints Δm +1.91, but its cells give +2.39" in section
    mark = re.search(r'href="#(table3_nyud-note-\d+)"', rows_in(section, "URL")[0])[1]
    assert "Vanilla, URL: the paper prints" in section.split(f'<li id="{mark}">')[1].split("</li>")[0]
    assert html.count(": the paper prints Δm") == 17


def test_misprint_of_a_searched_method_is_a_footnote_of_its_best(tmp_path):
    rows = rows_of("III", "NYUD-v2")
    write_experiment(tmp_path, "table3_nyud", "III", rows, summary_of(rows, [0]))
    path = tmp_path / "tables" / "table3_nyud.csv"
    table = pd.read_csv(path)
    best = table[table["method"] == "GradNorm"].assign(variant="alpha 2")
    table.loc[table["method"] == "GradNorm", [name for name in table if name.startswith("paper/")]] = np.nan
    pd.concat([table, best]).to_csv(path, index=False)
    html = page(tmp_path, PAPER, our_evidence(tmp_path / "summary"), Made("make report", "today"), planned)
    default, searched = rows_in(section_of(html, "table3_nyud"), "GradNorm")[0], rows_in(html, "GradNorm (alpha 2)")[0]
    assert "table3_nyud-note-" in searched
    assert "table3_nyud-note-" not in default


def test_contents_count_networks_and_runs(read):
    assert "Table II, NYUD-v2 32 of 60 96 make table2 DATASET=nyud" in read.text
    assert "Table V, Replica 0 of 32 0 make table5 DATASET=replica" in read.text


def test_facts_say_when_and_from_what_it_was_made(read):
    assert "generated 1 May 2026, by make a <b>" in read.text
    assert f"runs 96 seeds 0, 1, 2 commit {COMMIT[:10]} device cuda (NVIDIA A100)" in read.text


def test_figures_are_those_of_the_table_and_of_the_paper_and_small(read):
    pictures = [about for tag, about in read.tags if tag == "img"]
    assert [picture["width"] for picture in pictures] == ["300", "1440", "300"]
    assert [picture["alt"].split(":")[0] for picture in pictures] == [
        "Mean ranks",
        "Fig. 1, NYUD-v2 and PASCAL-Context",
        "Fig. 8, rooms",
    ]
    assert all(picture["src"].startswith("data:image/png;base64,") for picture in pictures)
    assert "Not drawn: 4, 6, 7, 9," in read.text


def test_claims_have_a_word_and_a_mark_and_a_filter_of_their_own(html, read):
    articles = [about for tag, about in read.tags if tag == "article"]
    assert len(articles) == 52
    radios = {about["id"] for tag, about in read.tags if about.get("type") == "radio"}
    assert {"paper-all", "paper-holds", "paper-fails", "paper-no-data", "ours-all", "ours-not-run"} <= radios
    for radio in radios:
        assert f'<label for="{radio}">' in html
        assert radio.endswith("-all") or f"#{radio}:checked ~ .claims .claim:not(.{radio})" in html
        assert radio.endswith("-all") or any(radio in about["class"].split() for about in articles)
    assert "✓ holds" in read.text
    assert "✗ fails" in read.text


def test_paper_check_lists_every_row_that_does_not_match(html):
    listed = html.split('<section id="check">')[1]
    assert listed.count('<th scope="row">') == 19
    assert "depth_rmse 0.6077 -&gt; 0.6047" in listed


def test_empty_folder_makes_a_page_of_the_paper_alone(tmp_path):
    text = Reader(
        page(tmp_path, PAPER, our_evidence(tmp_path / "summary"), Made("make report", "today"), lambda _: None)
    ).text
    assert "nothing has been trained yet" in text
    assert "On ours: 52 not run." in text


def test_commands_in_notes_are_code_and_the_rest_is_escaped():
    assert markdown("`make grid` finds <b> & more") == "<code>make grid</code> finds &lt;b&gt; &amp; more"
