"""Networks as plain torch modules: tensors to tensors, no files, no images."""
