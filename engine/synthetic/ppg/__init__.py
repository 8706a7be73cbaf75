"""The PPG of an encounter: pulses learnt from open recordings, on the beats of the encounter's rhythm.

>>> model = load_model()                                            # data/models/generators/ppg.safetensors
>>> samples = draw_ppg(model, encounter, rhythm, person_rng, rng)   # (1250,) whole numbers, 125 Hz
>>> fit(recordings).save(path)                                      # `casebind train generator ppg`

What is learnt from what, on `train` only (attributions: engine/datasets/datasets.toml):
- PPG-BP (125 persons), BIDMC (26), phone oximetry (3) and Welltory (12): the shape of a pulse. Pulses are cut foot to
  foot, brought to one length and height, and the median is taken a person. Principal components (32) of these
  medians; ridge regression of the scores on age, age², sex, systolic and diastolic pressure, BMI, heart rate and the
  style of device (pressure and BMI are known in PPG-BP only, elsewhere filled in from age and sex); the covariance of
  what is left, per style. A drawn pulse is a point of that normal distribution, never a recorded pulse. The same for
  the pulses of one recording about their median.
- BIDMC, whose 60 s segments are long enough: the respiratory wave in pulse height and base, what remains from pulse to
  pulse and its memory, the beat-to-beat spread of the transit time against ECG lead II, and, from the persons with an
  irregular pulse, how height follows the interval before (exponent about 1) and the one before that (about −0.5).
- All styles: sensor noise from the spectrum above the pulse.
What is set from the literature instead: the transit time itself (transit.py: a bedside monitor's delay hides it), the
later opening of the aortic valve after a short interval. Set against `train`: the heights of a premature pulse and of
the one after its pause (transit.py); by eye: drift, movements, the time constant of the run-off, the mix of devices.

What it shows, as the recordings do: the mean pulse of every age and pressure band; crest time and width that grow with
age and pressure, a dicrotic notch that goes with age (Allen & Murray, Physiol Meas 24:297, 2003); b/a of the second
derivative that rises with age (Takazawa et al., Hypertension 32:365, 1998), but less than in the recordings; e/a, which
falls there, stays as it is in PPG-BP.

Limits: PPG-BP is one hospital with few persons under 35; BIDMC is intensive care; the phones are 15 young persons. A
pulse deficit is not drawn, so that every R peak has its pulse, and fast or uneven recordings are calmer than real ones.
Blood pressure explains little of a pulse's shape, in the recordings as here.
"""

from engine.synthetic.ppg.draw import draw_ppg
from engine.synthetic.ppg.learn import fit
from engine.synthetic.ppg.model import PulseModel, load_model

__all__ = ["PulseModel", "draw_ppg", "fit", "load_model"]
