"""Scores saved predictions of any program: `python scripts/evaluate.py predictions=DIR dataset=nyud protocol=seism`.

DIR holds a folder a task and in it a file an image, such as DIR/semseg/0001.png; mtl/data/predictions.py has the
formats. Scored are the tasks that have a folder; those whose files are missing or wrong are named, with exit code 1.
Words of its own: split=val, depth_unit=0.001 (metres that a stored number 1 of depth stands for), output=FILE
(DIR/scores.json). All others are those of train.py: subset=[semseg,edge], data=FOLDER,
workers=4, protocol.image_list=FILE.
"""

from mtl import cli
from mtl.cli.evaluate import evaluate

if __name__ == "__main__":
    cli.run(evaluate)
