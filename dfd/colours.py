"""The colours of the two classes in pages and pictures: REAL is blue, FAKE is orange."""

COLOURS = {"REAL": "#1f6fb4", "FAKE": "#e07b00"}  # of bars, lines and frames
TEXT_COLOURS = {"REAL": "#1f6fb4", "FAKE": "#a85b00"}  # dark enough for words on white
DARK_TEXT_COLOURS = {"REAL": "#7ab8ef", "FAKE": "#f3a24a"}  # bright enough for words on black
