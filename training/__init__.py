"""How a model comes to be: outcomes, hazard, calibration, the artefact and its tracking."""
