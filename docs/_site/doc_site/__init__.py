"""The pages of ``docs/``, and a reference made of the code, as a site that is read and searched without a network.

``python -m doc_site`` with ``docs/_site`` on the path, or ``make docs``; docs/decisions says why MkDocs makes it.
"""
