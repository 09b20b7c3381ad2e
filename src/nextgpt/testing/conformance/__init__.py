"""The conformance kit for new parts: `check_encoder`, `check_decoder`, `check_modality` (docs/new-modality.md)."""
