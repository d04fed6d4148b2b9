"""Training: crops of two parts of the split in, a detector's weights and figures out."""
