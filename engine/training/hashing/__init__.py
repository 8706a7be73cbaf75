"""The hash layer and the calibration of its distances."""
