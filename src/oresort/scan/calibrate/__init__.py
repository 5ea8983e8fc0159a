"""What a scan's columns and layers are, measured from the scan itself."""
