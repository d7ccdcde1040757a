"""The languages other systems speak, one room each; no clinical decision is taken here.

`dicom` asks, receives and reads; `sql` asks vendor databases; `paper` is what people read. Others import
from those rooms, never from here: this package stays empty so that a small process (the storage receiver)
starts fast.
"""

__all__: list[str] = []
