"""Figure 6: distance between multi-task and single-task features, one panel per task."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mtl.report.figures.gradients import METHODS
from mtl.report.figures.panels import Panel, draw_panels
from mtl.report.figures.series import comparable_curves, method_lines, origin, tasks_of
from mtl.report.figures.sources import MissingRunsError, Sources
from mtl.report.render.style import spelled

KEY = "feature/distance"


def draw_distances(sources: Sources, datasets: Sequence[str]) -> Figure:
    """Draws the feature distances by task, with a row for each dataset that has runs.

    Raises:
        MissingRunsError: No dataset has runs of every method.
    """
    rows, labels, captions, missing = [], [], [], []
    for dataset in datasets:
        try:
            curves = comparable_curves(sources.curves, dataset, METHODS, KEY)
        except MissingRunsError as error:
            missing.append(error)
            continue
        tasks = tasks_of(curves, KEY)
        rows.append([Panel(spelled(task), method_lines(curves, METHODS, f"{KEY}/{task}")) for task in tasks])
        labels.append(f"squared distance\n{dataset}")
        captions.append(origin(curves))
    if not rows:
        raise missing[0]
    caption = (
        "Squared L2 distance between multi-task features, after an adaptor, and single-task features, both of length 1 "
        f"at every pixel. {'. '.join(captions)}"
    )
    return draw_panels(rows, labels, caption, share=False)
