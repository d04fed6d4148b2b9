"""The class labels and the parts of a split, in the order of all arrays, tables and outputs."""

LABELS = ("REAL", "FAKE")  # FAKE is the positive class: every score is P(FAKE)
PARTS = ("train", "validation", "test")
PRIOR = 0.5  # share of FAKE among the videos that are judged, where nobody states it
