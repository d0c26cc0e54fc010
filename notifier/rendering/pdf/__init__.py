"""Reading back the pages that Typst has made."""
