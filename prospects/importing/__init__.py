"""Importing people from CSV and XLSX: uploaded, columns chosen, previewed, run in slices, undone. See `files` first."""
