"""Claims 1 to 5: a shared encoder, and searched weights (Sec. V-A)."""

import math

from mtl.report.claims.check import Check, above, all_of, at_least, below, better, tally, within
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import DATASETS, GRID, INITIALIZATIONS, NYUD, NYUD_R50, PASCAL, UNIFORM, initialized
from mtl.report.names import Setting

LEVEL_WITH_SINGLE = 1.0  # points of M: "about level", our threshold


@claim(1)
def uniform_is_worse_than_single_task_networks(e: Evidence) -> Check:
    """Delta_m < 0."""
    return all_of(e.each((NYUD, PASCAL, NYUD_R50), lambda setting: below(e.delta(setting, UNIFORM), 0)).values())


@claim(2)
def the_loss_is_uneven(e: Evidence) -> Check:
    """On NYUD, depth gains, normals and edge lose; on PASCAL, these two lose most and segmentation is about level."""

    def nyud(setting: Setting) -> Check:
        gains = {task: e.gain(setting, UNIFORM, task) for task in ("depth", "normals", "edge")}
        return all_of([above(gains["depth"], 0), below(gains["normals"], 0), below(gains["edge"], 0)])

    def pascal(setting: Setting) -> Check:
        losers = [e.gain(setting, UNIFORM, task) for task in ("normals", "edge")]
        others = [gain for task, gain in e.gains(setting, UNIFORM).items() if task not in ("normals", "edge")]
        most = [all_of((below(loser, other) for other in others), f"{loser.name} {loser}") for loser in losers]
        return all_of([*most, within(e.gain(setting, UNIFORM, "semseg"), LEVEL_WITH_SINGLE)])

    return all_of(e.each((NYUD, PASCAL), lambda setting: (nyud if setting == NYUD else pascal)(setting)).values())


@claim(3)
def searched_weights_repair_most(e: Evidence) -> Check:
    """Delta_m is more than a point above Uniform's with ResNet-18, and above it with ResNet-50."""
    margins = {NYUD: 1, PASCAL: 1, NYUD_R50: 0}
    return all_of(e.each(margins, lambda s: above(e.delta(s, GRID), e.delta(s, UNIFORM), by=margins[s])).values())


@claim(4)
def grid_search_comes_close_to_single_task_networks(e: Evidence) -> Check:
    """|Delta_m| < 0.5 on NYUD with ResNet-18, Delta_m > 0 with ResNet-50."""

    def close(setting: Setting) -> Check:
        delta = e.delta(setting, GRID)
        return within(delta, 0.5) if setting == NYUD else above(delta, 0)

    return all_of(e.each((NYUD, NYUD_R50), close).values())


@claim(5)
def grid_search_buys_edge_and_normals_and_pays_with_segmentation(e: Evidence) -> Check:
    """Edge rises by 3 and normals improve, PASCAL's segmentation falls; with ViT-B, both rise in 13 of 14 settings."""

    def bought(setting: Setting) -> Check:
        edges, normals, semseg = (
            [e.number(setting, method, task) for method in (GRID, UNIFORM)] for task in ("edge", "normals", "semseg")
        )
        if setting.initialization:
            return all_of([better(*normals), better(*edges)])
        paid = [better(*reversed(semseg))] * (setting == PASCAL)
        return all_of([above(*edges, by=3), better(*normals), *paid])

    pairs = [initialized(dataset, name) for dataset in DATASETS for name in INITIALIZATIONS]
    found = e.each((NYUD, PASCAL, *pairs), bought)
    transformers = [check for setting, check in found.items() if setting.initialization]
    most = at_least(
        math.ceil(13 / 14 * len(transformers)),
        transformers,
        f"ViT-B normals and edge in {tally(transformers)} pairs",
    )
    own = [check for setting, check in found.items() if not setting.initialization]
    return all_of([*own, *[most] * bool(transformers)])
