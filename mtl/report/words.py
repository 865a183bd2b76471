"""The words of a script that needs no config: key=value, in any order."""

from collections.abc import Mapping, Sequence


def read_words(arguments: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Value of every word, its default where it is not given.

    Args:
        arguments: What stands on the command line.
        defaults: Word -> value unless given; other words are refused.

    Raises:
        SystemExit: A word is unknown or has no value; with one line that says so.
    """
    values = dict(defaults)
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key not in defaults or not (equals and value):
            raise SystemExit(f"{argument}: known words are {', '.join(f'{known}=...' for known in defaults)}")
        values[key] = value
    return values
