"""The provisional synthetic cohort: patients first, then one film, one ECG, mostly a PPG and a short report each.

Everything is generated; nobody in it exists. It gives the shipped workspace neighbours on a fresh machine and is
for demonstration only: no figure about the model rests on it.
"""
