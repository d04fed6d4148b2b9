"""Training: from the crops of the training and validation parts to a detector directory."""
