"""What runs in Flower's own environment (flwr and numpy alone): it carries arrays and knows nothing of recordings.

coordinator   server_app  hands what is asked to the sites and lays what they answer into files
              superlink   Flower's SuperLink, where nobody but this machine may start runs
              control     registers the sites' keys and starts the run
site          client_app  lays what is asked into files and waits for the answer of Casebind's own process
              clientapp   runs the site's own copy of client_app, whatever code the coordinator sends
              supernode   Flower's SuperNode
Each ends when the process that started it does.
"""
