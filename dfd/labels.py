"""The two labels, in the order of every array and network output; FAKE is the positive one."""

LABELS = ("REAL", "FAKE")
