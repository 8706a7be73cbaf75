"""Flower's SuperNode, which ends with the process that started it."""

from __future__ import annotations

from flwr.supernode.cli.flower_supernode import flower_supernode

from casebind_flower.parent import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    flower_supernode()
