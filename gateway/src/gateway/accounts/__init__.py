"""What the schema shows of accounts: who signed in, their company, its credit and members."""
