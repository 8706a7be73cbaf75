"""DICOM objects of a search: the recordings it points at, a measurement report and key object selections."""
