"""Training compute of an experiment, known without its data and without a GPU.

    python scripts/compute.py experiment=table2 dataset=nyud

Counts the floating-point operations of forward and backward for every network of the plan, times images and steps, for
one seed. Evaluation is not counted, nor what a weighter adds (`make bench`).
"""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from mtl import build, cli
from mtl.bench.cost import operations_per_image
from mtl.experiment import Experiment, Job
from mtl.report.numbers.hours import lengths

TRAINED = ("backbone", "model", "subset")  # parts of a config that a network is made from


def main(own: Mapping[str, str], words: Sequence[str]) -> None:
    """Prints steps and operations of each line of the plan."""
    experiment, known, rows = Experiment(words), {}, []
    for line, jobs in zip(experiment.lines(), experiment.jobs(), strict=True):
        costs = [cost(job, known) for job in jobs]
        rows.append([" ".join(line), len(jobs), *(sum(column) for column in zip(*costs, strict=True))])
    rows.append(["all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])])
    print(tabulate(rows, ["runs of", "runs", "steps", "10^18 operations"], intfmt=",", floatfmt=".3g"))


def cost(job: Job, known: dict[str, float]) -> tuple[int, float]:
    """Steps of a run, and its operations in 10^18; keeps what is counted in `known`.

    Raises:
        ValueError: The run takes epochs of a dataset whose config does not tell its number of images.
    """
    cfg = build.compose(job.words)
    batch, images = cfg.recipe.batch_size, cfg.dataset.train.get("images") or 0
    if not (cfg.recipe.steps or images):
        raise ValueError(f"recipe.steps=null: dataset={cfg.dataset.name} does not tell its images; give recipe.steps")
    size = cfg.dataset.height, cfg.dataset.width
    key = str([size, *(job.config[part] for part in TRAINED)])
    if key not in known:
        for word in {"pretrained", "checkpoint"} & set(cfg.backbone.encoder):
            cfg.backbone.encoder[word] = None
        known[key] = operations_per_image(lambda: build.build_model(cfg, build.build_tasks(cfg)), *size)
    steps, _ = lengths(job.config, images // batch)
    return steps, steps * batch * known[key] / 1e18


if __name__ == "__main__":
    cli.run(main, __doc__, {}, others=True)
