"""A doctor for networks: illnesses of data, models and training, each with its evidence and a remedy."""

from wengert.explain.doctor.callback import Doctor
from wengert.explain.doctor.diagnosing import diagnose
from wengert.explain.doctor.finding import Diagnosis, Finding

__all__ = ["Diagnosis", "Doctor", "Finding", "diagnose"]
