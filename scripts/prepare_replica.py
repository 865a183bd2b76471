"""Prepares Replica: `python scripts/prepare_replica.py archive=FOLDER` with the tar files of omnidata-tools.

Its licence must be signed, so it is not downloaded automatically. If omnidata-tools has already unpacked it, no archive
is needed: `data=FOLDER` checks it in place, if the folder with the domains (rgb, depth_zbuffer, ...) is called replica
or omnidata_starter_dataset.
"""

from functools import partial

from mtl import cli
from mtl.cli.prepare import OWN, Source, prepare

if __name__ == "__main__":
    source = Source(
        word="replica",
        urls=(),
        by_hand=(
            "its licence must be signed: pip install omnidata-tools (needs aria2), read the licence and run "
            "omnitools.download rgb depth_zbuffer normal semantic mask_valid --components replica --subset all --dest "
            "data/replica --name NAME --email ADDRESS --agree_all, which unpacks it into data/replica; or put its tar "
            "files in a folder"
        ),
        licence="Replica Research Terms, and those of the Omnidata starter dataset; you have signed both",
    )
    cli.run(partial(prepare, source), __doc__, OWN, others=True)
