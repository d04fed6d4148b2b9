"""Labels and parts, each in the order of every array, table and network output."""

LABELS = ("REAL", "FAKE")  # FAKE is the positive one
PARTS = ("train", "validation", "test")
