"""Work that outgrows one sitting: a queue of jobs in the database of a lab, and the workers that empty it."""
