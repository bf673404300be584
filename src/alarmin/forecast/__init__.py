"""A patient's own scans: read, set beside virtual lesions, carried on, and held against the rivals."""
