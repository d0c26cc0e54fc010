"""Letters: what stands on the sheet, checked, and set by Typst."""
