"""Prepares PASCAL-Context: `python scripts/prepare_pascal_context.py archive=PASCAL_MT.tgz`, or downloads it."""

from functools import partial

from mtl import cli
from mtl.cli.prepare import OWN, Source, prepare

if __name__ == "__main__":
    source = Source(
        word="pascal_context",
        urls=(
            "https://data.vision.ee.ethz.ch/kmaninis/share/MTL/PASCAL_MT.tgz",  # of ASTMT
            "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
            "1TWZydr5_r4hKDM5Zyzrcq712Stg2cw7p",  # of SAK
        ),
        by_hand="download PASCALContext.tar.gz from the link in github.com/prismformore/Multi-Task-Transformer",
        licence="the images are from Flickr, see http://host.robots.ox.ac.uk/pascal/VOC/voc2010; for research",
    )
    cli.run(partial(prepare, source), __doc__, OWN, others=True)
