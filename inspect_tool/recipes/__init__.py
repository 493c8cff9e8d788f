"""The questions a laboratory asks: one module per inspection, from label images to results and checks."""
