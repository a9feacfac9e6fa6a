"""An operator's drill: what breaks, and where it shows."""
