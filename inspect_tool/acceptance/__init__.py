"""What is asked, and the verdict: requirements, decision rules, lots, and the gate before every verdict."""
