"""A synthetic results folder on NYUD-v2: the paper's numbers with noise."""

from pathlib import Path

import numpy as np
import pandas as pd

from mtl.report.names import ROW, SINGLE_TASK
from mtl.report.numbers.gains import chosen_baseline
from mtl.report.numbers.table import table_of
from mtl.report.outputs import printed
from mtl.report.read.scores import our_scores, paper_scores
from mtl.report.render.text import flat

PAPER = Path(__file__).parents[3] / "results" / "paper"
UNSAFE = 'a <b> & "c" \'</style><script>'
NOT_RUN = ("FAMO", "URL")  # of Table II, in the folder that most tests read
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def planned(name):
    """Number of planned networks of a section."""
    return {"table2_nyud": 60, "table5_replica": 32}.get(name, 42)


def rows_of(table, dataset):
    found = paper_scores(PAPER)
    here = found[(found["table"] == table) & (found["dataset"] == dataset)]
    return [tuple(row) for row in here[ROW].drop_duplicates().itertuples(index=False)]


def summary_of(rows, seeds, *, device="cuda (NVIDIA A100)", noise=0.01):
    """One line per run of the rows, as written by `summary`."""
    found, random, lines = paper_scores(PAPER), np.random.default_rng(0), []
    for row in rows:
        own = found[(found[ROW] == pd.Series(row, ROW)).all(axis=1)].drop_duplicates("task")
        alone = row[ROW.index("method")] == SINGLE_TASK
        for number, cells in enumerate([own[own["task"] == task] for task in own["task"]] if alone else [own]):
            tasks = list(cells["task"])
            code = f"{len(lines):04x}{number:04x}"
            name = f"nyud_resnet18_{row[2].lower()}_{row[5].lower().replace(' ', '_')}_{'-'.join(tasks)}-{code}"
            for seed in seeds:
                line = dict(zip(ROW, row, strict=True)) | {"run": name, "hash": code, "seed": seed}
                line |= {"tasks": "+".join(tasks), "steps": 40000, "parameters": 1234, "encoder_passes": 1}
                line |= {"step_seconds": 0.2 * len(tasks), "step_cpu_seconds": 0.2, "peak_memory_mib": 4000.0}
                line |= {"device": device, "threads": 4, "commit": COMMIT, "protocol": "edge=nyud"}
                line |= {"feature_distance": False}
                line |= {"command": f"python train.py experiment=table2 dataset=nyud '{row[5]}' seed={seed}"}
                for cell in cells.itertuples():
                    value = cell.value * (1 + noise * random.standard_normal())
                    line |= {f"{which}/{cell.task}/{cell.metric}": value for which in ("best", "last")}
                    line[f"weight/{cell.task}"] = 1.0
                lines.append(line)
    return pd.DataFrame(lines)


def write_experiment(folder, name, table, rows, lines, remarks=()):
    """Writes summary, table, and the part of the Markdown that the page reads."""
    ours = our_scores([lines])
    found = table_of(ours, printed(PAPER, table, rows), rows, chosen_baseline(rows))
    for part in ("summary", "tables"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    lines.to_csv(folder / "summary" / f"{name}.csv", index=False)
    flat(found).to_csv(folder / "tables" / f"{name}.csv", index=False)
    text = "\n\n".join([f"# {name}", *["\n".join(f"- {one}" for one in remarks)] * bool(remarks), "## Runs\n\n- none"])
    (folder / "tables" / f"{name}.md").write_text(text, encoding="utf-8")
    return found
