"""Scores saved predictions of any program: `python scripts/evaluate.py predictions=DIR dataset=nyud protocol=seism`.

DIR holds a folder per task with a file per image, such as DIR/semseg/0001.png; mtl/data/predictions.py describes the
formats. Tasks that have a folder are scored; if files of a task are missing or wrong, it is named, with exit code 1.
Useful words of train.py: subset=[semseg,edge], data=FOLDER, workers=4, protocol.image_list=FILE.
"""

from mtl import cli
from mtl.cli.evaluate import OWN, evaluate

if __name__ == "__main__":
    cli.run(evaluate, __doc__, OWN, others=True)
