"""Synthetic 12-lead ECGs: a statistical beat learnt from recordings, placed on a rhythm, with measured noise."""

from engine.synthetic.ecg.draw import draw_ecg
from engine.synthetic.ecg.leads import GAIN
from engine.synthetic.ecg.model import load_model, save_model
from engine.synthetic.ecg.write import write_ecg

__all__ = ["GAIN", "draw_ecg", "load_model", "save_model", "write_ecg"]
