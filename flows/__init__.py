"""Wiring: one flow a stage, the pipeline over them, and the ``dfd`` command."""
