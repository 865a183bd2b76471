import ast
from pathlib import Path

import pytest
from numba.core import caching

from mtl.metrics.boundary.compiled import kernel as module

FOLDER = Path(module.__file__).parent


def test_a_kernel_runs_without_a_folder_for_its_code(monkeypatch):
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    assert module.kernel(lambda x: x + 1)(2) == 3


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_kernels_call_only_kernels_of_their_file(path):
    tree = ast.parse(path.read_text())
    elsewhere = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("mtl.metrics.boundary.compiled.")
        for alias in node.names
    } - {"kernel"}
    kernels = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "kernel" for d in node.decorator_list)
    ]
    for one in kernels:
        called = {ast.unparse(node.func) for node in ast.walk(one) if isinstance(node, ast.Call)}
        assert not called & elsewhere, one.name
