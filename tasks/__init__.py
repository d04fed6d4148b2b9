"""Side effects as thin Prefect tasks: each calls the library, writes files and logs the outcome."""
