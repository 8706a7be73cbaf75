"""Numbers of a DICOM header as writers spell them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def numbers_of(dataset: Dataset, keyword: str) -> list[float] | None:
    """Return the finite numbers of an element, decimal commas read too; None where it is missing or holds a word."""
    value = dataset.get(keyword)
    if value is None:
        return None
    words = [value] if isinstance(value, str) or not hasattr(value, "__len__") else list(value)
    try:
        found = [float(str(word).replace(",", ".")) for word in words]
    except ValueError:
        return None
    return found if found and all(map(math.isfinite, found)) else None


def first_number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first number of an element, or None."""
    found = numbers_of(dataset, keyword)
    return found[0] if found else None
