"""What runs on a developer's machine only, and never goes into the zip."""
