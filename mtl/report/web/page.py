"""One self-contained HTML page with all results of a results folder."""

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import read_claims
from mtl.report.claims.sources import paper_evidence
from mtl.report.claims.text import READING, count_lines, verdicts
from mtl.report.misprints import check, count_line, read_tables
from mtl.report.web.images import pictures, undrawn
from mtl.report.web.judged import MARKS, WHOSE, choices, grouped_claims, misprint_lines
from mtl.report.web.origins import facts, seeds_of
from mtl.report.web.sections import STUDIES, Planned, sections
from mtl.report.web.stored import read_lines

TEMPLATES = Path(__file__).parent
CODE = re.compile(r"`([^`]+)`")
BOLD = re.compile(r"\*\*(.+?)\*\*")


class Made(NamedTuple):
    """Provenance of the page.

    Args:
        command: Command that generated it.
        date: Date and time as text.
    """

    command: str
    date: str


def markdown(text: str) -> Markup:
    """Text as HTML, with the parts between backticks as code and those between double asterisks in bold."""
    return Markup(BOLD.sub(r"<strong>\1</strong>", CODE.sub(r"<code>\1</code>", str(escape(text)))))


def page(results: Path, paper: Path, ours: Evidence, made: Made, planned: Planned) -> str:
    """Renders the page.

    Args:
        results: The results folder.
        paper: Folder of the paper's numbers.
        ours: Our evidence for the claims.
        made: Provenance of the page.
        planned: As for `sections`.
    """
    findings, claims = check(read_tables(paper)), read_claims(paper)
    found, tables = verdicts(claims, paper_evidence(paper), ours), sections(results, paper, findings, planned)
    drawn = pictures(results / "figures")
    names = [section.name for group in tables.values() for section in group if section.is_run]
    runs = [read_lines(results / "summary" / f"{name}.csv") for name in names]
    lines = pd.concat([frame for frame in runs if len(frame)] or [pd.DataFrame(columns=["run", "seed"])])
    lines = lines.drop_duplicates(["run", "seed"])
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = markdown
    return environment.get_template("page.html").render(
        made=made,
        runs=len(lines),
        facts=[("seeds", seeds_of(lines)), *facts(lines)] if len(lines) else [],
        studies=tables.pop(STUDIES, []),
        tables=tables,
        pictures=drawn,
        undrawn=undrawn(drawn),
        counts=count_lines(found),
        reading=READING,
        groups=grouped_claims(claims, found),
        choices=choices(found),
        marks=MARKS,
        whose=WHOSE,
        misprints=count_line(findings),
        misprint_lines=misprint_lines(findings),
    )
