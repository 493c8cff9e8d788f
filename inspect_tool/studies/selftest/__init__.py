"""What drawn jobs of known truth show about this installation."""
