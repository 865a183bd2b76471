"""Outside mtl/tasks no list or dictionary names tasks."""

import ast
from pathlib import Path

import pytest

from mtl.tasks import known

ROOT = Path(__file__).parents[2]
NAMES = {task.name for task in known()}
READERS = ("camvid", "nyud", "pascal_context", "replica", "rooms/dataset", "rooms/render", "rooms/spec")
EXCEPTIONS = {
    **{f"mtl/data/{name}.py": "what a dataset has, and where its files are" for name in READERS},
    "mtl/report/read/scores.py": "the tasks of the paper's CSV files",
    **{
        f"mtl/report/claims/{name}.py": "sentences of the paper"
        for name in ("avgnorm", "balance", "curves", "methods", "pairs", "vanilla")
    },
    "scripts/bench.py": "a batch like those of NYUD-v2",
    "scripts/bench_data.py": "files like those of NYUD-v2",
}
FILES = sorted([*(ROOT / "mtl").rglob("*.py"), *(ROOT / "scripts").glob("*.py")])


def lists_of_tasks(path: Path) -> list[int]:
    """Lines with a literal collection of two or more names of tasks."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        values = node.values if isinstance(node, ast.Dict) else []
        for words in (items, values):
            if sum(isinstance(word, ast.Constant) and word.value in NAMES for word in words) > 1:
                found.append(node.lineno)
    return found


def test_no_list_of_tasks():
    names = {path: str(path.relative_to(ROOT)) for path in FILES}
    others = [path for path, name in names.items() if "mtl/tasks" not in name and name not in EXCEPTIONS]
    assert {names[path]: lines for path in others if (lines := lists_of_tasks(path))} == {}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_every_exception_is_needed(name):
    assert not (ROOT / name).exists() or lists_of_tasks(ROOT / name)
