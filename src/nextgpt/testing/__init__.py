"""Fakes with behaviour for tests: a tiny random model with every modality, that needs no part and no weights."""
