"""Label images to tables: pure functions on plain arrays, so that five pixels test them."""
