"""Task of the stage ``train``."""
