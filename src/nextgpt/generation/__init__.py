"""Generation: messages in, an ordered message out."""
