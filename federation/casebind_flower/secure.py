"""Secure aggregation (SecAgg+, Bell et al. 2020) by Flower's workflow: the coordinator sees the sites' mean alone.

Every site masks its update by keys that it shares with the others, and the masks cancel in the sum; keys of a site that
is gone are put together from the others' shares. Two of three shares are enough, so a third of the sites may be lost.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from flwr.app import ConfigRecord, Context
from flwr.common import FitIns, Parameters, ndarrays_to_parameters, parameters_to_ndarrays
from flwr.compat.common import recorddict_compat as legacy
from flwr.server.compat.grid_client_proxy import GridClientProxy
from flwr.server.compat.legacy_context import LegacyContext
from flwr.server.strategy import FedAvg
from flwr.server.workflow import SecAggPlusWorkflow
from flwr.server.workflow.constant import MAIN_CONFIGS_RECORD, MAIN_PARAMS_RECORD, Key
from flwr.serverapp import Grid

from casebind_flower.asking import replies_of

LARGEST = 16.0  # of a number of an update; larger ones are cut there
LEVELS = 1 << 22  # so a number is exact to 8 millionths


class _Mean(FedAvg):
    """A strategy that asks given nodes, and keeps the mean and who is in it."""

    def __init__(self, proxies: list[GridClientProxy], facts: dict[str, Any]) -> None:
        super().__init__()
        self.proxies, self.facts = proxies, facts
        self.mean: list[np.ndarray] | None = None
        self.nodes: list[int] = []

    def configure_fit(self, server_round: int, parameters: Parameters, client_manager: Any) -> Any:
        """Ask all of them the same."""
        return [(one, FitIns(parameters, {"facts": json.dumps(self.facts)})) for one in self.proxies]

    def aggregate_fit(self, server_round: int, results: Any, failures: Any) -> Any:
        """Keep the mean, which every result holds: Flower has put it in the place of each."""
        self.nodes = [proxy.node_id for proxy, _ in results]
        self.mean = parameters_to_ndarrays(results[0][1].parameters) if results else None
        return None, {}


def mean_of_updates(
    grid: Grid, context: Context, nodes: dict[int, str], facts: dict[str, Any], arrays: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return which sites are in the mean of the updates, and the mean; neither where too few were left."""
    asked = {**facts, "names": list(arrays)}
    strategy = _Mean([GridClientProxy(node, grid, context.run_id) for node in nodes], asked)
    within = LegacyContext(context, strategy=strategy)
    within.state.config_records[MAIN_CONFIGS_RECORD] = ConfigRecord({Key.CURRENT_ROUND: facts["number"]})
    parameters = ndarrays_to_parameters(list(arrays.values()))
    within.state.array_records[MAIN_PARAMS_RECORD] = legacy.parameters_to_arrayrecord(parameters, keep_input=True)
    heard = _Heard(grid)
    _Workflow(
        num_shares=len(nodes),
        reconstruction_threshold=max(2, (2 * len(nodes)) // 3),
        max_weight=1.0,
        clipping_range=LARGEST,
        quantization_range=LEVELS,
        timeout=facts["patience_s"],
    )(heard, within)
    said = {nodes[node]: {"ground": facts["ground"], "examples": 1} for node in strategy.nodes}
    failed = {nodes[node]: why for node, why in heard.errors.items() if nodes[node] not in said}
    mean = {} if strategy.mean is None else dict(zip(arrays, strategy.mean, strict=True))
    return {"present": sorted(nodes.values()), "said": said if mean else {}, "failed": failed}, mean


class _Workflow(SecAggPlusWorkflow):
    """Flower's workflow, for which sites that are gone before they have shared their keys are no sites.

    Flower 1.42 asks the others for shares of such a site's key, which nobody has, and so every site fails.
    """

    def share_keys_stage(self, grid: Any, context: LegacyContext, state: Any) -> bool:
        """Go on with those who have shared their keys."""
        goes_on = bool(super().share_keys_stage(grid, context, state))
        there = set(state.active_node_ids)
        state.sampled_node_ids = there
        state.nid_to_neighbours = {node: state.nid_to_neighbours[node] & there for node in there}
        return goes_on


class _Heard:
    """A grid that remembers what sites said went wrong."""

    def __init__(self, grid: Grid) -> None:
        self._grid, self.errors = grid, {}  # type: Any, dict[int, str]

    def send_and_receive(self, messages: Any, *, timeout: float | None = None) -> list[Any]:
        """Send, wait and remember."""
        replies = replies_of(self._grid, messages, timeout or 0.0)
        self.errors |= {node: str(one.error.reason) for node, one in replies.items() if one.has_error()}
        return list(replies.values())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._grid, name)
