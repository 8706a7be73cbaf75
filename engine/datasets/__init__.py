"""Public data sets in their published layouts, read as recordings with patient, split and labels."""
