"""Reader studies: several readers read the same cases without neighbours and with them. Do these help?"""
