"""Includes files of the repository in pages, and turns links to its files into links of the site.

A line `<!-- include FILE -->` is replaced by the file: a Markdown file without its title, a program as a block of
code. `<!-- include FILE: Heading, Heading -->` takes only these sections; `intro` is the text before the first.
"""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PAGES = {  # files that a page includes, and sections that are on another page
    "CONTRIBUTING.md": "contributing.md",
    "CONTRIBUTING.md#without-a-fork": "own.md",
    "README.md": "index.md",
    "data/README.md": "datasets.md",
    "data/README.md#whose-numbers-the-metrics-equal": "metrics.md",
}
INCLUDE = re.compile(r"^<!-- include ([^\s:]+)(?:: (.+))? -->$", re.MULTILINE)
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """The page with included files and links that work on the site."""
    parts, end = [], 0
    for match in INCLUDE.finditer(markdown):
        parts += [linked(markdown[end : match.start()], "docs", config, files), included(match, config, files)]
        end = match.end()
    return "".join([*parts, linked(markdown[end:], "docs", config, files)])


def included(match: re.Match[str], config: Any, files: Files) -> str:
    """The text of a file, or of some of its sections."""
    name, wanted = match[1], match[2]
    text = (ROOT / name).read_text()
    if not name.endswith(".md"):
        return f"```{PurePosixPath(name).suffix[1:].replace('py', 'python')}\n{text}```"
    first, *others = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    sections = {"intro": first.partition("\n")[2]} | {part[3:].partition("\n")[0]: part for part in others}
    chosen = sections if wanted is None else wanted.split(", ")
    return linked("".join(sections[heading] for heading in chosen), str(PurePosixPath(name).parent), config, files)


def linked(text: str, folder: str, config: Any, files: Files) -> str:
    """The text of a file in a folder, with links of the site instead of links to files."""

    def replace(match: re.Match[str]) -> str:
        image, label, target = match.groups()
        path, _, anchor = target.partition("#")
        if not path or re.match(r"[a-z]+:", target):
            return match[0]
        path = normpath(f"{folder}/{path}")
        if image:
            return f"![{label}]({copied(path, config, files)})"
        page = (
            path.removeprefix("docs/") if path.startswith("docs/") else PAGES.get(f"{path}#{anchor}", PAGES.get(path))
        )
        if page is not None:
            return f"[{label}]({page}{'#' * bool(anchor)}{anchor})"
        return f"`{path}`" if label.strip("`") == path else f"{label} (`{path}`)"

    return LINK.sub(replace, text)


def copied(path: str, config: Any, files: Files) -> str:
    """Address of an image of the repository on the site."""
    address = f"images/{PurePosixPath(path).name}"
    if files.get_file_from_path(address) is None:
        files.append(File.generated(config, address, abs_src_path=str(ROOT / path)))
    return address
