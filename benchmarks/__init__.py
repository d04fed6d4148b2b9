"""Benchmarks of speed and memory; ``make bench`` runs them and keeps the results.

Most results are ratios of two times measured in the same run, which depend less on the machine and
on its other load than the times themselves.
"""
