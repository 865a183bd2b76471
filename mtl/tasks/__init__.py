"""Label definitions, one file per task: `subset=depth` on the command line is `mtl/tasks/depth.py`.

Datasets, transforms, losses, metrics, label noise, saved predictions, images and figures all use the task's label, and
none of them refers to a task by name. This package depends on NumPy only.
"""

from mtl.tasks.base import IGNORE, Label, Noise, Notation, TaskLabel, find, find_task, known, valid

__all__ = ["IGNORE", "Label", "Noise", "Notation", "TaskLabel", "find", "find_task", "known", "valid"]
