"""Networks: their layers, weights, tiles, and what runs them."""
