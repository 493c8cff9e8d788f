"""Many jobs, and many machines: what outgrows one sitting."""
