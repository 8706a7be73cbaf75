"""Acts on what belongs to a patient or to whoever asked: withdrawal, retention, erasure, unlearning."""
