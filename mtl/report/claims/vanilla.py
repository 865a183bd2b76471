"""Claims 1 to 5: a shared encoder, and searched weights (Sec. V-A)."""

from mtl.report.claims.check import Check, above, all_of, at_least, below, better, tally, within
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import DATASETS, GRID, INITIALIZATIONS, NYUD, NYUD_R50, PASCAL, UNIFORM, initialized

LEVEL_WITH_SINGLE = 1.0  # points of M: "about level", our threshold


@claim(1)
def uniform_is_worse_than_single_task_networks(e: Evidence) -> Check:
    """Delta_m < 0."""
    return all_of(below(e.delta(setting, UNIFORM), 0) for setting in (NYUD, PASCAL, NYUD_R50))


@claim(2)
def the_loss_is_uneven(e: Evidence) -> Check:
    """On NYUD, depth gains, normals and edge lose; on PASCAL, these two lose most and segmentation is about level."""
    nyud = {task: e.gain(NYUD, UNIFORM, task) for task in ("depth", "normals", "edge")}
    losers = [e.gain(PASCAL, UNIFORM, task) for task in ("normals", "edge")]
    others = [gain for task, gain in e.gains(PASCAL, UNIFORM).items() if task not in ("normals", "edge")]
    return all_of(
        [
            *(above(nyud["depth"], 0), below(nyud["normals"], 0), below(nyud["edge"], 0)),
            *(all_of((below(loser, other) for other in others), f"{loser.name} {loser}") for loser in losers),
            within(e.gain(PASCAL, UNIFORM, "semseg"), LEVEL_WITH_SINGLE),
        ]
    )


@claim(3)
def searched_weights_repair_most(e: Evidence) -> Check:
    """Delta_m is more than a point above Uniform's with ResNet-18, and above it with ResNet-50."""
    gained = [above(e.delta(setting, GRID), e.delta(setting, UNIFORM), by=1) for setting in (NYUD, PASCAL)]
    return all_of([*gained, above(e.delta(NYUD_R50, GRID), e.delta(NYUD_R50, UNIFORM))])


@claim(4)
def grid_search_comes_close_to_single_task_networks(e: Evidence) -> Check:
    """|Delta_m| < 0.5 on NYUD with ResNet-18, Delta_m > 0 with ResNet-50."""
    return all_of([within(e.delta(NYUD, GRID), 0.5), above(e.delta(NYUD_R50, GRID), 0)])


@claim(5)
def grid_search_buys_edge_and_normals_and_pays_with_segmentation(e: Evidence) -> Check:
    """Edge rises by 3 and normals improve, PASCAL's segmentation falls; with ViT-B, both rise in 13 of 14 settings."""
    edge = [above(e.number(s, GRID, "edge"), e.number(s, UNIFORM, "edge"), by=3) for s in (NYUD, PASCAL)]
    normals = [better(e.number(s, GRID, "normals"), e.number(s, UNIFORM, "normals")) for s in (NYUD, PASCAL)]
    paid = better(e.number(PASCAL, UNIFORM, "semseg"), e.number(PASCAL, GRID, "semseg"))
    transformers = [
        all_of(better(e.number(s, GRID, task), e.number(s, UNIFORM, task)) for task in ("normals", "edge"))
        for s in (initialized(dataset, name) for dataset in DATASETS for name in INITIALIZATIONS)
    ]
    both = f"ViT-B normals and edge in {tally(transformers)} pairs"
    return all_of([*edge, *normals, paid, at_least(len(transformers) - 1, transformers, both)])
