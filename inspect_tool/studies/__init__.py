"""Judging the method, not a part: backends compared, gauge studies, stage micrometers, golden images, the self-test."""
