"""MEDBind's Table 4 (section 3.4): what film and ECG embeddings add to a language model that tells outcomes.

`cohort` asks admissions of MIMIC about death in hospital and readmission, `texts` says what may be read of each,
`embedded` encodes their films and ECGs, `prompted` puts embeddings behind the text of a language model with low-rank
adapters, `fit` trains it with checkpoints, `run` keeps what a folder holds, `table` prints the rows. A measurement of
embeddings, never a prediction about a patient.
"""
