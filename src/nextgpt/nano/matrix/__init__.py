"""The matrix of sixteen cells: what goes in, what comes out, and whether it is right."""
