"""Claims 16 to 21: multi-task architectures (Sec. V-C, Fig. 4).

Most of the paper's numbers are points in a figure. On the paper, only those that a table or the text gives are judged;
the missing ones are named.
"""

from collections.abc import Callable

from mtl.report.claims.check import Check, above, all_of, below
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import MissingError
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import ARCHITECTURES, DATASETS, GRID, NYUD, SINGLE, UNIFORM, architecture


@claim(16)
def architectures_improve_on_vanilla(e: Evidence) -> Check:
    """Under Uniform, all three architectures on both datasets."""

    def improves(dataset: str, name: str) -> Check:
        own, vanilla = architecture(dataset, name), architecture(dataset, name, "Vanilla")
        return above(e.delta(own, UNIFORM), e.delta(vanilla, UNIFORM))

    return _in_each(e, improves)


@claim(17)
def architectures_beat_single_task_networks_on_nyud_alone(e: Evidence) -> Check:
    """Delta_m over vanilla single-task networks is > 0 on NYUD, < 0 on PASCAL."""
    e.needs_two_datasets()

    def sign(dataset: str, name: str) -> Check:
        delta = e.delta(architecture(dataset, name), UNIFORM)
        return above(delta, 0) if dataset == NYUD.dataset else below(delta, 0)

    return _in_each(e, sign)


@claim(18)
def architectures_lose_to_single_task_networks_of_the_same_modules(e: Evidence) -> Check:
    """All but MTI-Net on NYUD, which is reported but not counted."""

    def loses(dataset: str, name: str) -> Check:
        own = architecture(dataset, name)
        try:
            found = below(e.delta(own, UNIFORM), e.delta(own, SINGLE))
        except MissingError:
            found = below(e.gap(own), 0)
        exception = (dataset, name) == (NYUD.dataset, "MTI-Net")
        return Check(True, f"{found.text}, not counted") if exception else found

    return _in_each(e, loses)


@claim(19)
def architectures_have_a_smaller_gap(e: Evidence) -> Check:
    """|gap| of an architecture is below that of vanilla with the same encoder."""
    return _in_each(
        e, lambda dataset, name: below(*(abs(e.gap(architecture(dataset, name, base))) for base in ("", "Vanilla")))
    )


@claim(20)
def a_shared_transformer_suffers_more_than_a_cnn(e: Evidence) -> Check:
    """The gap of vanilla ViT-T/16 is below those of ResNet-18 and HRNet-18, on both datasets."""

    def suffers(dataset: str, name: str) -> Check:
        transformer, other = (architecture(dataset, n, "Vanilla") for n in ("InvPT", name))
        return below(e.gap(transformer), e.gap(other))

    return _in_each(e, suffers, [name for name in ARCHITECTURES if name != "InvPT"])


@claim(21)
def architectures_still_need_searched_weights(e: Evidence) -> Check:
    """Delta_m of Grid Search is above that of Uniform."""
    return _in_each(
        e, lambda dataset, name: above(*(e.delta(architecture(dataset, name), method) for method in (GRID, UNIFORM)))
    )


def _in_each(e: Evidence, judge: Callable[[str, str], Check], names: list[str] | None = None) -> Check:
    """Whether it holds for each architecture and dataset; on the paper, for those with numbers."""
    checks, missing = [], []
    for name in names or ARCHITECTURES:
        for dataset in DATASETS:
            try:
                checks.append(judge(dataset, name))
            except MissingError as error:
                if not e.exact:
                    raise
                missing.append(str(error))
    if not checks:
        raise MissingError("; ".join(missing))
    found = all_of(checks)
    unknown = f"no number for {', '.join(dict.fromkeys(missing))}"
    return Check(found.holds, "; ".join([found.text, *[unknown] * bool(missing)]))
