"""Synthetic 12-lead ECGs: a statistical beat learnt from recordings, placed on a rhythm, with measured noise."""

from engine.cohorts.synthetic.heart.draw import draw_ecg
from engine.cohorts.synthetic.heart.leads import GAIN
from engine.cohorts.synthetic.heart.model import load_model, save_model
from engine.cohorts.synthetic.heart.write import write_ecg

__all__ = ["GAIN", "draw_ecg", "load_model", "save_model", "write_ecg"]
