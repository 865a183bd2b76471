"""The rooms of the house and who may import whom, read off the source."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE, SCRIPTS = sorted((ROOT / "mtl").rglob("*.py")), sorted((ROOT / "scripts").glob("*.py"))
CONTRACTS = (
    "mtl.weighters.base",
    "mtl.losses.base",
    "mtl.losses.total",
    "mtl.metrics.base",
    "mtl.delta_m",
    "mtl.models.base",
    "mtl.loggers.base",
    "mtl.task",
    "mtl.tasks",
)
ALLOWED = {
    "engine": ("mtl.engine", "mtl.run", "mtl.files", *CONTRACTS),
    "run": ("mtl.run", "mtl.children", "mtl.files", "mtl.task"),
    "build": ("mtl.build", "mtl.backbones.base", "mtl.data", "mtl.engine", "mtl.run", "mtl.files", *CONTRACTS),
    "bench": ("mtl.bench", "mtl.engine", "mtl.losses.total", "mtl.models.base", "mtl.task", "mtl.weighters.base"),
    "models": ("mtl.models", "mtl.backbones", "mtl.heads", "mtl.layers", "mtl.task"),
    "heads": ("mtl.heads", "mtl.layers"),
    "backbones": ("mtl.backbones", "mtl.layers"),
    "weighters": ("mtl.weighters",),
    "metrics": ("mtl.metrics", "mtl.image_list", "mtl.tasks"),
    "losses": ("mtl.losses", "mtl.task", "mtl.tasks"),
    "tasks": ("mtl.tasks", "mtl.data.stored"),  # the latter in annotations
    "layers": ("mtl.layers",),
    "data": ("mtl.data", "mtl.children", "mtl.files", "mtl.image_list", "mtl.tasks"),
    "loggers": ("mtl.loggers", "mtl.files"),
    "cli": ("mtl.cli", "mtl.build", "mtl.children", "mtl.data", "mtl.run", "mtl.task", "mtl.files"),
    "report": ("mtl.report", "mtl.delta_m", "mtl.files", "mtl.tasks"),
    "report/read": ("mtl.report.read", "mtl.report.names", "mtl.tasks", "mtl.files"),
    "report/numbers": ("mtl.report.numbers", "mtl.report.read", "mtl.report.names", "mtl.tasks", "mtl.delta_m"),
    "report/render": ("mtl.report.render", "mtl.report.numbers", "mtl.report.names", "mtl.tasks"),
    "report/figures": (
        "mtl.report.figures",
        "mtl.report.render.style",
        "mtl.report.numbers.gains",
        "mtl.report.read",
        "mtl.report.names",
        "mtl.tasks",
    ),
}
SHORT = (
    *("evaluate", "predict", "doctor"),
    "prepare_nyud",
    "prepare_pascal_context",
    "prepare_replica",
    "prepare_bsds500",
)  # scripts that only call
FILES = {
    "mtl/experiment.py": ("mtl.build", "mtl.report.names", "mtl.report.read"),
    "mtl/stored_tables.py": ("mtl.build", "mtl.experiment", "mtl.files", "mtl.report"),
    "mtl/trained.py": ("mtl.build.model", "mtl.run", "mtl.models.base", "mtl.tasks"),
    "mtl/task.py": ("mtl.tasks", "mtl.metrics.base"),
    "mtl/files.py": (),
    "mtl/image_list.py": (),
    "mtl/children.py": (),
    "mtl/places.py": (),
    "mtl/commands.py": (),  # it imports a module of mtl.cli by name
    "scripts/bench_edges.py": ("mtl.cli", "mtl.run", "mtl.metrics", "mtl.files"),
    "mtl/delta_m.py": (),
    "mtl/cli/branch_tree.py": (
        "mtl.backbones",
        "mtl.build",
        "mtl.cli.singles",
        "mtl.data.view",
        "mtl.models",
        "mtl.run",
    ),
    "mtl/cli/singles.py": ("mtl.build", "mtl.cli.settings", "mtl.engine", "mtl.report.read.runs", "mtl.run"),
    "mtl/cli/train.py": ("mtl.build", "mtl.cli.singles", "mtl.engine", "mtl.run", "mtl.report.read.runs", "mtl.files"),
    "mtl/cli/costs.py": ("mtl.build", "mtl.cli.gpus", "mtl.experiment", "mtl.run", "mtl.report", "mtl.files"),
    "mtl/cli/measure.py": ("mtl.build", "mtl.children", "mtl.run", "mtl.report.numbers.hours", "mtl.files"),
    "mtl/__init__.py": ("mtl.engine", "mtl.weighters.base", "mtl.trained"),
    "mtl/cli/floors.py": ("mtl.build", "mtl.data.view", "mtl.engine.evaluator", "mtl.metrics", "mtl.task"),
    "scripts/compare.py": ("mtl.cli", "mtl.build", "mtl.experiment", "mtl.files", "mtl.report", "mtl.tasks"),
    "scripts/floors.py": ("mtl.cli", "mtl.build", "mtl.files", "mtl.report.names"),
    "mtl/cli/predict.py": ("mtl.cli.ending", "mtl.data.disk.decode", "mtl.report", "mtl.trained", "mtl.files"),
    "scripts/reproduce.py": ("mtl.cli", "mtl.experiment", "mtl.run", "mtl.report", "mtl.files"),
    **{f"scripts/{name}.py": ("mtl.cli",) for name in SHORT},
    "train.py": ("mtl.cli",),
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from mtl.engine import distributed` names a module, `from mtl.task import Task` does not
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names if is_module(node.module, a.name)}
    return found


def is_module(package: str, name: str) -> bool:
    folder = ROOT / package.replace(".", "/")
    return (folder / name).is_dir() or (folder / f"{name}.py").exists()


def house() -> dict[Path, tuple[str, ...]]:
    front = (
        "mtl.cli",
        "mtl.build",
        "mtl.experiment",
        "mtl.data",
        "mtl.bench",
        "mtl.engine",
        "mtl.run",
        "mtl.report",
        "mtl.files",
        "mtl.stored_tables",
        "mtl.tasks",
    )
    rules = dict.fromkeys((ROOT / "scripts").glob("*.py"), front)
    for room, allowed in ALLOWED.items():
        rules |= dict.fromkeys((ROOT / "mtl" / room).rglob("*.py"), allowed)
    return rules | {ROOT / name: allowed for name, allowed in FILES.items()}


def test_file_imports_only_what_its_room_may():
    wrong = []
    for path, allowed in house().items():
        for name in imports(path):
            ours = name.split(".")[0] == "mtl" and name not in ("mtl", "mtl.engine", "mtl.places")
            if ours and not any(name == a or name.startswith(f"{a}.") for a in allowed):
                wrong.append(f"{path.relative_to(ROOT)} may not import {name}")
    assert not wrong


def test_every_file_of_the_package_has_a_rule():
    missing = set(PACKAGE) - set(house())
    assert not missing


def test_hydra_is_known_to_build_and_cli_alone_and_torch_not_to_the_report():
    for path in PACKAGE:
        roots = {name.split(".")[0] for name in imports(path)}
        composes = path.name == "experiment.py" or {"build", "cli"} & set(path.parts)
        assert composes or not roots & {"hydra", "omegaconf"}, path
        assert "report" not in path.parts or not roots & {"torch", "torchvision", "timm"}, path


HEAVY = ["hydra", "torch", "torchvision", "timm", "scipy", "pandas", "matplotlib"]
NEVER = ["skimage", "torchmetrics", "tensorboard"]  # only where a run uses it, and torchmetrics in tests
STARTS = {  # code that continues where the one before ended: the heavy packages that it may have imported by its end
    "import mtl": set(),
    "sys.argv = ['train.py', '--help']": set(),
    "with suppress(SystemExit): runpy.run_path('train.py', run_name='__main__')": {"hydra"},
    "for name in ('check_paper', 'claims', 'figures', 'report'): runpy.run_path(f'scripts/{name}.py')": {
        *("hydra", "scipy", "pandas", "matplotlib"),
    },
    "from mtl import data, loggers, losses, metrics, models, trained, weighters": {*HEAVY},
}


def test_each_start_imports_only_what_it_needs():
    lines = ["import runpy, sys", "from contextlib import suppress"]
    for code in STARTS:
        lines += [code, f"print(*[name for name in {HEAVY + NEVER} if name in sys.modules], file=sys.stderr)"]
    program = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    imported = [set(line.split()) for line in done.stderr.splitlines()]
    assert imported == list(STARTS.values())


def test_no_modules_import_each_other_in_a_circle():
    files = {path: path.relative_to(ROOT).with_suffix("") for path in (ROOT / "mtl").rglob("*.py")}
    names = {path: ".".join(name.parts).removesuffix(".__init__") for path, name in files.items()}
    graph = {name: imports(path) & set(names.values()) - {name} for path, name in names.items()}
    # `from package import module` runs the package, too, but needs nothing of it but the module
    graph = {name: {a for a in found if not any(b.startswith(f"{a}.") for b in found)} for name, found in graph.items()}
    while leaves := {name for name, imported in graph.items() if not imported}:
        graph = {name: imported - leaves for name, imported in graph.items() if name not in leaves}
    assert not graph, "each of these imports another one of them"


def test_no_file_is_longer_than_250_lines():
    assert not [path for path in [*PACKAGE, *SCRIPTS] if len(path.read_text().splitlines()) > 250]


PRINTS = ("print", "sys.stdout.write", "sys.stderr.write")


def test_only_the_command_line_and_the_console_logger_print():
    for path in PACKAGE:
        calls = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
        prints = [
            call.lineno for call in calls if ast.unparse(call) in ("print", "sys.stdout.write", "sys.stderr.write")
        ]
        assert "cli" in path.parts or path.name == "console.py" or not prints, (path, prints)


def test_scripts_have_one_way_to_take_words():
    for path in SCRIPTS:
        assert "argparse" not in imports(path), path
        assert re.search(r"^    (cli\.run|\w+\.command)\(", path.read_text(), re.MULTILINE), path
