"""PostgreSQL: the record. The only room with SQL, one module per noun."""
