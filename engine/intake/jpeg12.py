"""JPEG Extended with 12 bits (PS3.5 A.4.1, process 4), which pydicom has no decoder for and GDCM reads."""

from __future__ import annotations

import numpy as np

SYNTAX = "1.2.840.10008.1.2.4.51"


def decode(frame: bytes, rows: int, columns: int, bits_stored: int) -> np.ndarray:
    """Return the (rows, columns) uint16 values of one grey 12-bit frame; ValueError where it does not decode."""
    import gdcm

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(SYNTAX)))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, bits_stored, bits_stored - 1, 0))
    values = np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), dtype="<u2")  # GDCM hands bytes as str
    if values.size != rows * columns:
        raise ValueError("the frame decoded to another size")
    return values.reshape(rows, columns)
