"""Protocols for tests, stated whole; configs/protocol has those of the literature."""

from mtl.metrics import Protocol

PLAIN = {
    "name": "plain",
    "thresholds": 99,
    "ends": [0.001, 0.999],
    "strict": True,
    "nms": 1,
    "taper": 0,
    "smooth": False,
    "quantise": False,
    "lines_as_partition": False,
    "interpolate": False,
}


def plain(**changes) -> Protocol:
    """The protocol of the demo, with changes."""
    return Protocol(**(PLAIN | changes))
