"""Fakes with behaviour for tests: a tiny random model with every modality, without parts or weights."""
