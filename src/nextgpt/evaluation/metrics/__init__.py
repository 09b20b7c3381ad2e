"""Metrics: each by its official rule, each a function to `Scores`; without torch where the rule needs none."""
