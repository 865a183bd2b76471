"""Writes the page of weighters from the code: a table, and a section with a picture for each.

The pictures show what a method does to two conflicting gradients, computed by the weighter that the config names.
"""

import ast
import csv
import re
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

from mtl.report.names import METHODS
from mtl.weighters import DBMTL, DWA, IMTLL, UW, GradDrop, GradNorm, Needs, Weighter

ROOT = Path(__file__).parents[2]
GRADIENTS = torch.tensor([[0.9, 0.3], [-0.25, 0.4]])  # of two tasks; their inner product is negative
LOSSES = torch.tensor([1.5, 0.5])
KPIS = torch.tensor([0.3, 0.8])
ARROW = 55  # pixels of a gradient of length 1
RIM = 72  # pixels from the middle of a picture to its border
LEARNED = 300  # steps of the methods that learn their weights or average gradients
MARK = "<!-- weighters -->"


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """The page with its table and its sections."""
    if MARK not in markdown:
        return markdown
    names = [name for name in METHODS if name != "url"]
    costs = measured()
    head = "| method | two gradients | needs | scope | time |\n|---|---|---|---|---|\n"
    rows = [
        f"| [{METHODS[name]}](#{anchor(name)}) | {picture(name)} | {built(name).needs.value} | {scope(name)} | "
        f"{costs.get(name, '')} |\n"
        for name in names
    ]
    return markdown.replace(MARK, head + "".join(rows) + "\n" + "\n".join(section(name) for name in names))


def section(name: str) -> str:
    """Heading, source, picture, settings and docstring of a weighter."""
    cls = type(built(name))
    module = ast.get_docstring(ast.parse((ROOT / f"{cls.__module__.replace('.', '/')}.py").read_text()))
    title, _, source = module.partition("\n\n")
    settings = (ROOT / f"configs/weighter/{name}.yaml").read_text()
    source = re.sub(r"https?://[^\s,]*[^\s,.]", r"<\g<0>>", source)
    return (
        f"## {METHODS[name]} {{#{anchor(name)}}}\n\n{title.partition(': ')[2]}\n\n{source}\n\n{picture(name)}\n\n"
        f"```yaml\n{settings}```\n\n::: {cls.__module__}.{cls.__name__}\n"
        "    options: {show_root_heading: false, show_root_toc_entry: false, members: []}\n"
    )


def anchor(name: str) -> str:
    """Address of a section within the page."""
    return name.replace("_", "-")


def settings_of(name: str) -> Any:
    """The config of a weighter."""
    return OmegaConf.load(ROOT / f"configs/weighter/{name}.yaml")


def scope(name: str) -> str:
    """Where the gradients are taken by default."""
    return f"`{settings_of(name).scope}`" if "scope" in settings_of(name) else ""


def built(name: str) -> Weighter:
    """The weighter for two tasks, with the settings of its config."""
    from hydra.utils import instantiate  # noqa: PLC0415

    method = OmegaConf.merge({"seed": 0, "dataset": {"grid_weights": [1, 3]}}, {"method": settings_of(name).method})
    return instantiate(method.method, num_tasks=2)


def measured() -> dict[str, str]:
    """Weighter -> time of a step at its own scope, relative to a plain backward pass of the summed losses."""
    with (ROOT / "results/summary/bench_weighters.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["by"] == "mtl" and row["network"] == "vanilla resnet18"]
    found = {(row["method"], row["scope"]): f"{float(row['time_ratio']):.2f}" for row in rows}
    return {
        name: value
        for name in METHODS
        if name != "url"
        if (value := found.get((name, scope(name).strip("`")))) is not None
    }


def update(name: str) -> tuple[Tensor, Tensor]:
    """Weights of the two tasks, and the update of the shared network."""
    weighter, losses = built(name), LOSSES
    if isinstance(weighter, DWA):  # after two epochs in which the first loss fell by a half and the second not at all
        for factor in (torch.tensor([2.0, 1.0]), torch.ones(2)):
            weighter(losses * factor)
            weighter.after_epoch()
    gradients = {Needs.LOSSES: None, Needs.GRAMIAN: GRADIENTS @ GRADIENTS.T, Needs.GRADIENTS: GRADIENTS}
    weighter.observe(KPIS)
    found = weighter(losses, gradients[weighter.needs])
    if isinstance(weighter, DBMTL | GradNorm | IMTLL | UW):
        optimizer = torch.optim.SGD(weighter.parameters(), lr=0.1) if found.penalty is not None else None
        for _ in range(LEARNED):
            if optimizer:
                optimizer.zero_grad()
                found.penalty.backward()
                optimizer.step()
            found = weighter(losses, gradients[weighter.needs])
    factor = 2 if weighter.native == "mean" and settings_of(name).scale == "sum" else 1
    weights = factor * (found.weights if found.shared_weights is None else found.shared_weights)
    direction = weights.to(GRADIENTS) @ GRADIENTS if found.direction is None else factor * found.direction
    return weights.detach(), direction.detach()


def picture(name: str) -> str:
    """SVG of the two gradients and the update, with the weights below."""
    weights, direction = update(name)
    shares = " / ".join(f"{weight:.2f}" for weight in weights.tolist())
    arrows = arrow(GRADIENTS[0], "#0072b2", 2) + arrow(GRADIENTS[1], "#d55e00", 2) + arrow(direction, "currentColor", 3)
    label = "one sign kept" if isinstance(built(name), GradDrop) else shares
    return (
        f'<svg class="arrows" viewBox="-80 -80 160 112" role="img" aria-label="{METHODS[name]}: {label}">{arrows}'
        f'<text x="0" y="28" text-anchor="middle" font-size="15" fill="currentColor">{label}</text></svg>'
    )


def arrow(vector: Tensor, colour: str, width: int) -> str:
    """An arrow from the middle; a vector that is longer than the picture is cut at its border, without a head."""
    x, y = (ARROW * vector).tolist()
    longest = max(abs(x), abs(y))
    cut = min(1, RIM / longest) if longest else 1
    tip = torch.tensor([x * cut, -y * cut])
    line = f'<path d="M0 0L{tip[0]:.1f} {tip[1]:.1f}" stroke="{colour}" stroke-width="{width}" fill="none"'
    if cut < 1 or longest < 1:
        return f'{line} stroke-dasharray="5 3"/>' if cut < 1 else f"{line}/>"
    back = tip / tip.norm() * 9
    side = torch.stack([-back[1], back[0]]) / 2
    left, right = tip - back + side, tip - back - side
    head = f"M{tip[0]:.1f} {tip[1]:.1f}L{left[0]:.1f} {left[1]:.1f}L{right[0]:.1f} {right[1]:.1f}Z"
    return f'{line}/><path d="{head}" fill="{colour}"/>'
