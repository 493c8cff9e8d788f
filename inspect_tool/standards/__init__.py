"""What a standard says: editions as data, worked cases, formulas with their clauses."""
