"""Work in bands, so that memory does not grow with the image."""
