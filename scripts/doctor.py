"""Prints what a question or a bug report should include: `python scripts/doctor.py --help`."""

from mtl.cli import doctor

if __name__ == "__main__":
    doctor.command()
