"""How large a pixel is, and who says so: the job, the file, the laboratory's files, a bar in the picture."""
