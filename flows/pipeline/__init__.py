"""The workflow as one flow, and what its terminal shows."""
