"""Networks: what they are made of without an engine, and the engines that run them; no files, no images."""
