"""A person's eye on a random sample makes a number unbiased, whatever segmentation it came from.

``regions`` cuts the measured fields into strata by what the program saw and how sure it was, ``design`` draws points in
them, ``estimate`` makes a share and its interval of the answers, ``planning`` tells how many more are needed,
``ledger`` keeps samples and answers in a chain beside the job, and ``correction`` puts the outcome into the results.
"""
