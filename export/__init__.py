"""Training and export of the model: what makes `export/<version>/`, and never runs in the cloud."""
