"""Gets NYUD-v2 ready: `python scripts/prepare_nyud.py archive=NYUDv2.tar.gz`, or without words by its address.

Archive A (NYUD_MT.tgz) stores normals as numbers, archive B (NYUDv2.tar.gz) in 8 bits; either will do.
"""

from functools import partial

from mtl import cli
from mtl.cli.prepare import Source, prepare

DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="

if __name__ == "__main__":
    source = Source(
        word="nyud",
        urls=(
            f"{DRIVE}14EAEMXmd3zs2hIMY63UhHPSFPDAkiTzw",  # A, of the survey and of ATRC
            f"{DRIVE}1rj3tHdQVYqe-Y3mpxv4EgWsiqgq3z87H",  # B, of SAK
        ),
        by_hand=(
            "take NYUDv2.tar.gz from the link in github.com/prismformore/Multi-Task-Transformer, or NYUD_MT.tgz from "
            "that in github.com/SimonVandenhende/Multi-Task-Learning-PyTorch"
        ),
        licence="none is stated; for research, see https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
    )
    cli.run(partial(prepare, source))
