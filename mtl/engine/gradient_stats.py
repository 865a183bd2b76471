"""Statistics of the task gradients: norms, conflicts, and their alignment with the update."""

from collections.abc import Sequence

from torch import Tensor

from mtl.engine.decision import Gradients


def gradient_stats(gradients: Gradients, names: Sequence[str]) -> dict[str, float]:
    """Statistics for the log, computed from the Gramian G of the unweighted gradients and the shared weights c.

        norm/t             |g_t|                             weighted_norm/t   |c_t g_t|
        dot/s-t            <g_s, g_t>                        cosine/s-t        <g_s, g_t> / (|g_s| |g_t|)
        similarity/s-t     2 |g_s| |g_t| / (|g_s|^2 + |g_t|^2), the gradient magnitude similarity
        alignment/t        cosine between g_t and the update: sum_s c_s g_s, or the elementwise update if there is one

    A gradient of length 0 has cosine 0 with everything.

    Args:
        gradients: Result of `backward` with `statistics`.
        names: Task names, in order.
    """
    assert gradients.gramian is not None  # with `statistics`
    gramian = gradients.gramian.cpu()  # [T, T]
    weights = gradients.shared_weights.double().cpu()  # [T]
    elementwise = gradients.alignment
    norms = gramian.diagonal().sqrt()  # [T]
    length = (weights @ gramian @ weights).clamp(min=0).sqrt()
    values = {}
    for t, name in enumerate(names):
        values[f"gradient/norm/{name}"] = norms[t].item()
        values[f"gradient/weighted_norm/{name}"] = (weights[t].abs() * norms[t]).item()
        aligned = _ratio(gramian[t] @ weights, norms[t] * length)
        values[f"gradient/alignment/{name}"] = aligned if elementwise is None else elementwise[t].item()
    for t, name in enumerate(names):
        for s, other in enumerate(names[:t]):
            pair = f"{other}-{name}"
            values[f"gradient/dot/{pair}"] = gramian[s, t].item()
            values[f"gradient/cosine/{pair}"] = _ratio(gramian[s, t], norms[s] * norms[t])
            values[f"gradient/similarity/{pair}"] = _ratio(2 * norms[s] * norms[t], norms[s] ** 2 + norms[t] ** 2)
    return values


def _ratio(part: Tensor, whole: Tensor) -> float:
    return (part / whole).item() if whole > 0 else 0.0
