"""An exhaustive model of the lease protocol: what is proved, and what each rule is there for."""
