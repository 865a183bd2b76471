"""What the label of a task is; the word on the command line is the file: `subset=depth` is `mtl/tasks/depth.py`.

Datasets, transforms, losses, metrics, label noise, saved predictions, pictures and figures ask the task's label, and
none of them knows a task by name. The room needs NumPy alone.
"""

from mtl.tasks.base import IGNORE, Label, Noise, Notation, TaskLabel, find, known, valid

__all__ = ["IGNORE", "Label", "Noise", "Notation", "TaskLabel", "find", "known", "valid"]
