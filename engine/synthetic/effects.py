"""What the severities of an encounter add to its vitals, its ECG and its PPG."""

from __future__ import annotations

from dataclasses import dataclass, fields

from engine.synthetic.prior import Vitals


@dataclass(frozen=True)
class Effects:
    """What severities add to an encounter; all 0 is no effect.

    rate, systolic, respiration, spo2 : to the vitals, in their units
    axis_deg, p_axis_deg : frontal turn of QRS and T, and of P, clockwise (to the right) as positive
    rotation_deg         : turn in the horizontal plane, backwards (later transition) as positive
    log_voltage, log_limb, log_left_chest : logarithm of the factor of QRS in all leads, in I and II, in V3 to V6
    log_qrs, log_t, log_p: logarithm of the factor of QRS duration, of ST-T and of P
    strain_mv            : ST-T against the QRS in the lead with the largest
    p_terminal_mv        : depth of the terminal P in V1
    vascular_years       : added to the age that shapes the pulse
    log_pulse, log_breath: logarithm of the factor of pulse height and of its swing with the breath
    alternans            : share by which every second pulse is lower
    """

    rate: float = 0.0
    systolic: float = 0.0
    respiration: float = 0.0
    spo2: float = 0.0
    axis_deg: float = 0.0
    p_axis_deg: float = 0.0
    rotation_deg: float = 0.0
    log_voltage: float = 0.0
    log_limb: float = 0.0
    log_left_chest: float = 0.0
    log_qrs: float = 0.0
    log_t: float = 0.0
    log_p: float = 0.0
    strain_mv: float = 0.0
    p_terminal_mv: float = 0.0
    vascular_years: float = 0.0
    log_pulse: float = 0.0
    log_breath: float = 0.0
    alternans: float = 0.0

    def vitals(self) -> Vitals:
        """Return what is added to the vitals."""
        return Vitals(rate=self.rate, systolic=self.systolic, respiration=self.respiration, spo2=self.spo2)

    def scaled(self, factor: float) -> Effects:
        """Return all effects times a factor."""
        return Effects(*(factor * getattr(self, field.name) for field in fields(self)))
