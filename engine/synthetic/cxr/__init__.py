"""Synthetic chest films: an autoencoder, and a flow in its latent space given labels, view, age and sex.

`films` reads what they learn from, `codec` turns films into 28 × 28 × 4 latents and back, `flow` draws latents,
`train_codec` and `train_flow` fit the two, `sample` draws films for patients.
"""
