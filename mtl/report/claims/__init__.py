"""The paper's 52 claims as predicates, judged on its own numbers and on ours; importing the modules registers them.

`vanilla` 1-5, `methods` 6-15, `architectures` 16-21, `initialization` 22-26, `data` 27-31, `pairs` 32-37, `balance`
38-43 and 49, `avgnorm` 44-48 and 50-52.
"""

from mtl.report.claims import architectures, avgnorm, balance, data, initialization, methods, pairs, vanilla

__all__ = ["architectures", "avgnorm", "balance", "data", "initialization", "methods", "pairs", "vanilla"]
