"""Deepfake-video detection as a library: no orchestrator, no registry, no global state."""
