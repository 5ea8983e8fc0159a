"""Where a model looks and what moves it: tables with intervals over scans, pictures, and one record of both."""
