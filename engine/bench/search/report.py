"""The benchmark for a person: a table, and a plot of the cost of a query against the number of codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.evaluate.plots import canvas, save, style


def as_table(result: dict[str, Any]) -> str:
    """Return a block of lines per set of codes."""
    head = f"One query, {result['k']} neighbours, one thread; medians of {result['rounds']} rounds taken in turn."
    return "\n\n".join([head, *(_block(one) for one in result["sets"]), *result.get("notes", ())])


def draw(result: dict[str, Any], folder: Path) -> Path:
    """Draw milliseconds per query against n, a panel per kind of codes, to search.png."""
    kinds = list(dict.fromkeys(one["data"] for one in result["sets"]))
    drawing, axes = canvas(1, len(kinds), (5.0, 4.2))
    names = list(dict.fromkeys(row["engine"] for one in result["sets"] for row in one["engines"]))
    for panel, kind in zip(axes[0], kinds, strict=True):
        for number, name in enumerate(names):
            points = [
                (one["n"], row["ms"])
                for one in result["sets"]
                if one["data"] == kind
                for row in one["engines"]
                if row["engine"] == name
            ]
            if points:
                dashes = (0, (2 + number, 1))
                panel.plot(*zip(*sorted(points), strict=True), label=name, linestyle=dashes, **style(number))
        panel.set(xscale="log", yscale="log", xlabel=f"codes of {result['bits']} bits", title=f"{kind} codes")
        panel.grid(alpha=0.3)
    axes[0, 0].set_ylabel("ms per query, one thread")
    axes[0, 0].legend(fontsize=7)
    return save(drawing, folder / "search.png")


def _block(code_set: dict[str, Any]) -> str:
    lines = [
        f"{code_set['n']:,} {code_set['data']} codes of {code_set['bits']} bits ({code_set['origin']});"
        f" chosen: {code_set['chosen']}"
    ]
    for row in code_set["engines"]:
        held = row["bytes_beside_the_codes"]
        memory = "" if held is None else f"  {held / code_set['bytes_of_codes']:.2f} x the codes' memory beside them"
        share = " " * 12 if row["recall"] is None else f"recall {row['recall']:.3f}"
        lines.append(f"  {row['engine']:<20}{row['ms']:>10.3f} ms  {share}{memory}")
    lines.append(
        f"  ours {code_set['ratio_vs_faiss_flat']:.2f} x as fast as faiss flat, "
        f"{code_set['ours_ratio_vs_scan']:.2f} x the time of the scan; "
        f"the scan {code_set['scan_ratio_vs_faiss_flat']:.2f} x as fast as faiss flat, "
        f"{code_set['scan_ratio_vs_floor']:.2f} x the time of reading once; 0.1 % filter "
        f"{code_set['filter_ratio_vs_scan']:.2f} x the scan's"
    )
    if "batch" in code_set:
        lines.append(
            f"  batch of {code_set['batch']}: {code_set['batch_ratio_vs_faiss_flat']:.2f} x as fast as faiss flat"
        )
    return "\n".join(lines)
