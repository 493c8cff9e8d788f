"""A printed page as a Word document, see ``report/word/pages.py``."""
