"""Prepares BSDS500: `python scripts/prepare_bsds500.py archive=BSR_bsds500.tgz`; without a word it is downloaded."""

from functools import partial

from mtl import cli
from mtl.cli.prepare import OWN, Source, prepare

if __name__ == "__main__":
    source = Source(
        word="bsds500",
        urls=(
            "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
            "https://github.com/BIDS/BSDS500/archive/refs/heads/master.tar.gz",
        ),
        by_hand="download BSR_bsds500.tgz from the resources page of the Berkeley Computer Vision Group",
        licence="free for non-commercial research and education; cite Arbelaez et al., TPAMI 2011",
    )
    cli.run(partial(prepare, source), __doc__, OWN, others=True)
