"""Work that outgrows one sitting or one machine: a queue of jobs, the workers that empty it, a cluster for fields."""
