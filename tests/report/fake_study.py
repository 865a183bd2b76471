from fake_runs import PLAIN, lines_of, results_of

from mtl.report.numbers.gains import own_baseline, with_gains


def study_scores(deltas, setting=PLAIN, single=True):
    """Frame of scores with gains, from method or (method, variant) -> Delta_m by seed; None: no run.

    There is one task, whose single-task value is 100.
    """
    lines = []
    for seed in range(max(map(len, deltas.values())) if single else 0):
        lines += lines_of("Single-task", {"semseg": 100}, setting=setting, seed=seed)
    for name, values in deltas.items():
        method, variant = (name, "") if isinstance(name, str) else name
        for seed, value in enumerate(values):
            if value is not None:
                scores = {"semseg": 100 + value}
                lines += lines_of(method, scores, setting=setting, variant=variant, seed=seed)
    return with_gains(results_of(lines), own_baseline)
