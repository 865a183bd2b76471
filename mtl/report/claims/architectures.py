"""Claims 16 to 21: multi-task architectures (Sec. V-C, Fig. 4).

Most of the paper's numbers are points in a figure. On the paper, only those that a table or the text gives are judged;
the missing ones are named.
"""

from mtl.report.claims.check import Check, above, all_of, below
from mtl.report.claims.evidence import Evidence
from mtl.report.claims.quantity import MissingError
from mtl.report.claims.registry import claim
from mtl.report.claims.settings import ARCHITECTURES, DATASETS, GRID, NYUD, SINGLE, UNIFORM, architecture
from mtl.report.names import Setting

ALL = [architecture(dataset, name) for name in ARCHITECTURES for dataset in DATASETS]
MTI_NET_ON_NYUD = architecture(NYUD.dataset, "MTI-Net")


@claim(16)
def architectures_improve_on_vanilla(e: Evidence) -> Check:
    """Under Uniform, all three architectures on both datasets."""
    return all_of(e.each(ALL, lambda own: above(e.delta(own, UNIFORM), e.delta(e.vanilla(own), UNIFORM))).values())


@claim(17)
def architectures_beat_single_task_networks_on_nyud_alone(e: Evidence) -> Check:
    """Delta_m over vanilla single-task networks is > 0 on NYUD, < 0 on PASCAL."""

    def signs(pair: tuple[Setting, ...]) -> Check:
        nyud, pascal = (e.delta(own, UNIFORM) for own in pair)
        return all_of([above(nyud, 0), below(pascal, 0)])

    pairs = [tuple(architecture(dataset, name) for dataset in DATASETS) for name in ARCHITECTURES]
    return all_of(e.each(pairs, signs).values())


@claim(18)
def architectures_lose_to_single_task_networks_of_the_same_modules(e: Evidence) -> Check:
    """All but MTI-Net on NYUD, which is reported but not counted."""

    def loses(own: Setting) -> Check:
        try:
            return below(e.delta(own, UNIFORM), e.delta(own, SINGLE))
        except MissingError:
            return below(e.gap(own), 0)

    found = all_of(e.each([own for own in ALL if own != MTI_NET_ON_NYUD], loses).values())
    try:
        return found.worded(f"{found.text}; {loses(MTI_NET_ON_NYUD).text}, not counted")
    except MissingError:
        return found


@claim(19)
def architectures_have_a_smaller_gap(e: Evidence) -> Check:
    """|gap| of an architecture is below that of vanilla with the same encoder."""
    return all_of(e.each(ALL, lambda own: below(abs(e.gap(own)), abs(e.gap(e.vanilla(own))))).values())


@claim(20)
def a_shared_transformer_suffers_more_than_a_cnn(e: Evidence) -> Check:
    """The gap of vanilla ViT-T/16 is below those of ResNet-18 and HRNet-18, on both datasets."""

    def lower(pair: tuple[Setting, ...]) -> Check:
        transformer, cnn = (e.gap(e.vanilla(own)) for own in pair)
        return below(transformer, cnn)

    others = [name for name in ARCHITECTURES if name != "InvPT"]
    pairs = [(architecture(dataset, "InvPT"), architecture(dataset, name)) for name in others for dataset in DATASETS]
    return all_of(e.each(pairs, lower).values())


@claim(21)
def architectures_still_need_searched_weights(e: Evidence) -> Check:
    """Delta_m of Grid Search is above that of Uniform."""
    return all_of(e.each(ALL, lambda own: above(e.delta(own, GRID), e.delta(own, UNIFORM))).values())
