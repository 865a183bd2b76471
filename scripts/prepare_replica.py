"""Gets Replica ready: `python scripts/prepare_replica.py archive=FOLDER`, the tar files that omnidata-tools fetched.

Its licence wants a signature, so it is not fetched without you. What omnidata-tools has unpacked already needs no
archive: with `data=FOLDER`, where the folder of the domains (rgb, depth_zbuffer, ..) is called replica or
omnidata_starter_dataset, it is checked as it lies.
"""

from functools import partial

from mtl import cli
from mtl.cli.prepare import Source, prepare

if __name__ == "__main__":
    source = Source(
        word="replica",
        urls=(),
        by_hand=(
            "its licence asks for your name: pip install omnidata-tools (needs aria2), read what you sign and run "
            "omnitools.download rgb depth_zbuffer normal semantic mask_valid --components replica --subset all --dest "
            "data/replica --name NAME --email ADDRESS --agree_all, which unpacks it into data/replica; or have its tar "
            "files in a folder"
        ),
        licence="Replica Research Terms, and that of the Omnidata starter dataset; you have signed both",
    )
    cli.run(partial(prepare, source))
