"""Programs as bytes: the ``.fxl`` image of docs/image.md.

Reading trusts nothing; what must hold of a program stands in :mod:`~fxlstm.program.image.rules` and
:mod:`~fxlstm.program.image.sweep_rules`, and holds on writing too.
"""

from fxlstm.program.image.reader import from_bytes, from_checked_bytes, load
from fxlstm.program.image.writer import save, to_bytes

__all__ = ["from_bytes", "from_checked_bytes", "load", "save", "to_bytes"]
