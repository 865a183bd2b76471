"""Figure 6: distance between multi-task and single-task features, one panel per task."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from mtl.report.figures.gradients import METHODS
from mtl.report.figures.panels import Line, Panel, draw_panels
from mtl.report.figures.series import comparable_curves, line, origin, tasks_of, titled
from mtl.report.figures.sources import MissingRunsError, Sources
from mtl.report.render.style import SERIES, spelled

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
        names = {method: titled(curves, method) for method in METHODS}
        rows.append(
            [
                Panel(
                    spelled(task),
                    [
                        Line(names[method], line(curves, method, f"{KEY}/{task}"), (colour,))
                        for method, colour in zip(METHODS, SERIES, strict=False)
                    ],
                )
                for task in tasks_of(curves, KEY)
            ]
        )
        labels.append(f"distance, {dataset}")
        captions.append(origin(curves))
    if not rows:
        raise missing[0]
    caption = f"L2 distance between multi-task and single-task features, after an adaptor. {'. '.join(captions)}"
    return draw_panels(rows, labels, caption, share=False)
