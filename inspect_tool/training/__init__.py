"""Training of networks: drawing samples, fitting with resume, losses, augmentation, scores."""
