"""Prepares NYUD-v2: `python scripts/prepare_nyud.py archive=NYUDv2.tar.gz`; without a word it is downloaded.

Archive A (NYUD_MT.tgz) stores normals in floating point, archive B (NYUDv2.tar.gz) in 8 bits; either works.
"""

from functools import partial

from mtl import cli
from mtl.cli.prepare import OWN, Source, prepare

DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="

if __name__ == "__main__":
    source = Source(
        word="nyud",
        urls=(
            f"{DRIVE}14EAEMXmd3zs2hIMY63UhHPSFPDAkiTzw",  # A, of the survey and of ATRC
            f"{DRIVE}1rj3tHdQVYqe-Y3mpxv4EgWsiqgq3z87H",  # B, of SAK
        ),
        by_hand=(
            "download NYUDv2.tar.gz from the link in github.com/prismformore/Multi-Task-Transformer, or NYUD_MT.tgz "
            "from the one in github.com/SimonVandenhende/Multi-Task-Learning-PyTorch"
        ),
        licence="none stated; for research, see https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
    )
    cli.run(partial(prepare, source), __doc__, OWN, others=True)
