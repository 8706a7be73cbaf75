"""Register the sites' keys with a SuperLink and start the run: `control.py ADDRESS CA APP FOLDER`, keys on stdin.

Standard input is {site: public key in OpenSSH's form}. A key that is not named there is registered no more.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.cli.build import build_fab_from_disk
from flwr.cli.typing import SuperLinkConnection
from flwr.cli.utils import init_http_client_from_connection
from flwr.common.serde import fab_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import ListNodesRequest, RegisterNodeRequest, StartRunRequest, UnregisterNodeRequest
from flwr.supercore.fab import Fab
from flwr.supercore.primitives.asymmetric import public_key_to_bytes


def main(address: str, authority: str, app: str, folder: str) -> None:
    """Do both, and print the number of the run."""
    wanted = {
        public_key_to_bytes(load_ssh_public_key(key.encode())): name for name, key in json.load(sys.stdin).items()
    }
    client = init_http_client_from_connection(
        SuperLinkConnection(name="here", address=address, root_certificates=authority, insecure=False)
    )
    there = {node.public_key: node.node_id for node in client.ListNodes(ListNodesRequest()).nodes_info}
    for key, node in there.items():
        if key not in wanted:
            client.UnregisterNode(UnregisterNodeRequest(node_id=node))
    for key, name in wanted.items():
        if key not in there:
            client.RegisterNode(RegisterNodeRequest(public_key=key, name=name))
    built = build_fab_from_disk(Path(app))
    fab = Fab(hashlib.sha256(built).hexdigest(), built, {})
    asked = StartRunRequest(fab=fab_to_proto(fab), override_config=user_config_to_proto({"folder": folder}))
    print(client.StartRun(asked).run_id)
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:5])
