"""Side effects as thin Prefect tasks: each calls one library function and logs what it did."""
