"""Neural modules: each is made as Module(its config); siblings do not import each other."""
