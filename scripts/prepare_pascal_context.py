"""Gets PASCAL-Context ready: `python scripts/prepare_pascal_context.py archive=PASCAL_MT.tgz`, or by its address."""

from functools import partial

from mtl import cli
from mtl.cli.prepare import Source, prepare

if __name__ == "__main__":
    source = Source(
        word="pascal_context",
        urls=(
            "https://data.vision.ee.ethz.ch/kmaninis/share/MTL/PASCAL_MT.tgz",  # of ASTMT
            "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
            "1TWZydr5_r4hKDM5Zyzrcq712Stg2cw7p",  # of SAK
        ),
        by_hand="take PASCALContext.tar.gz from the link in github.com/prismformore/Multi-Task-Transformer",
        licence="the images are Flickr's, see http://host.robots.ox.ac.uk/pascal/VOC/voc2010; for research",
    )
    cli.run(partial(prepare, source))
