"""Pre-training and tuning of the encoders."""
