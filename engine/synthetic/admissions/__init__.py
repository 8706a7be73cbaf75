"""A synthetic hospital in the published layout of MIMIC, whose outcomes depend partly on what film and ECG show.

Nobody in it exists. Films and ECGs are those of a cohort that was drawn (`drawn`), text and outcome are drawn here
(`courses`), and `tables` writes the files under the names and columns that MIMIC has.
"""
