"""Dialogues that go from modality to modality (MosIT): a cell of the table is an input and an output."""
