"""Native model files: how an estimator and a network are written and read, without pickle. Training writes, export reads."""
