"""Scores: tasks, judges, intervals, reports."""
