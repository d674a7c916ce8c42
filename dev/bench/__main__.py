"""Starts everything, measures the rows in turns, prints a table of ratios. `scripts/bench --help` tells the options."""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dev.bench.rows import ROWS, Row
from dev.bench.stack import open_bench


async def measure(rows: Sequence[Row], rounds: int, directory: Path) -> dict[str, list[tuple[float, float]]]:
    """For each row, pairs of seconds (ours, theirs), taken in turns; a first round warms up and is dropped."""
    pairs: dict[str, list[tuple[float, float]]] = {row.name: [] for row in rows}
    async with AsyncExitStack() as opened:
        bench = await open_bench(opened, directory)
        for number in range(rounds + 1):
            for row in rows:
                ours, theirs = await row.ours(bench), await row.theirs(bench)
                if number:
                    pairs[row.name].append((ours, theirs))
            print(f"round {number} of {rounds}", file=sys.stderr)
    return pairs


def print_table(rows: Sequence[Row], pairs: dict[str, list[tuple[float, float]]]) -> None:
    """Ratios of the medians, with the medians themselves for orientation."""
    table = Table(title="Heddle beside others: medians of rounds taken in turns")
    for column in ("shape", "against", "ours", "theirs", "ratio", "target"):
        table.add_column(column, justify="left" if column in ("shape", "against") else "right")
    for row in rows:
        ours, theirs = medians(pairs[row.name])
        ratio = theirs / ours if row.more_is_better else ours / theirs
        table.add_row(
            row.shape, row.against, f"{ours * 1000:.1f} ms", f"{theirs * 1000:.1f} ms", f"{ratio:.2f}", row.target
        )
    Console(width=150).print(table)


def medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(ours, theirs)."""
    return statistics.median(ours for ours, _ in pairs), statistics.median(theirs for _, theirs in pairs)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="rows whose name contains this word")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [row for row in ROWS if options.only in row.name]
    with tempfile.TemporaryDirectory() as directory:
        pairs = asyncio.run(measure(rows, options.rounds, Path(directory)))
    if options.json:
        json.dump({name: medians(of_row) for name, of_row in pairs.items()}, sys.stdout)
    else:
        print_table(rows, pairs)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the SDK's threads may abort an interpreter that takes its time to end
