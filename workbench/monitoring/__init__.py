"""Monitoring: "tell me before my users do". Did the inputs move (`drift`), is the model still good (`performance`)?"""

from workbench.monitoring.headline import MonitoringReport, combined
from workbench.monitoring.inputs import DriftReport, drift
from workbench.monitoring.outcomes import PerformanceReport, performance

__all__ = ["DriftReport", "MonitoringReport", "PerformanceReport", "combined", "drift", "performance"]
