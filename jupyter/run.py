"""Executes a notebook without a screen and fails unless every cell did what it should.

    run.py NOTEBOOK OUT [--timeout SECONDS]

evcxr answers `ok` to a cell that panicked or returned an error, so the outputs are read too. A cell fails if
  - the kernel says so, or dies;
  - it writes to standard error, or any output holds the words of a panic, an error's message or an `Err`;
  - a comment in it says what it shows and it does not:
        // shows           there is some output
        // shows: TEXT     the output holds TEXT; if TEXT is an error's head, that error is as wanted
        // shows picture   there is an image.
All failing cells are named. The executed copy goes to OUT; the notebook itself is not written. Status: 0, or 1.
"""

import argparse
import base64
import pathlib
import queue
import re
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async

# evcxr compiles something small before it answers for the first time; on a busy machine that takes its time.
STARTUP_SECONDS = 600
# What a cell writes to standard error may arrive after its end: so long is waited for it.
LATE_SECONDS = 0.3
FORBIDDEN = re.compile(r"^error(\[\w+\])?:.*|panicked at.*|\bErr\(.*|EVCXR_(BEGIN|END)_CONTENT", re.MULTILINE)
SHOWS = re.compile(r"^\s*// shows(?P<picture> picture)?(?:: (?P<text>.+))?\s*$", re.MULTILINE)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def texts(cell):
    """The outputs of a cell as pairs: where it was written, and the text. What went to one stream is one text."""
    streams = {}
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + ANSI.sub("", output.text)
    yield from streams.items()
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            continue
        if output.output_type == "error":
            yield "error", ANSI.sub("", "\n".join([output.ename, output.evalue, *output.traceback]))
        else:
            for kind, data in output.get("data", {}).items():
                yield kind, data if isinstance(data, str) else str(data)


def faults(cell):
    """What is wrong with an executed code cell, as sentences."""
    found = list(texts(cell))
    wanted = [match.groupdict() for match in SHOWS.finditer(cell.source)]
    expected = [want["text"].strip() for want in wanted if want["text"]]
    everything = "\n".join(text for _, text in found)
    for where, text in found:
        if where == "error":
            yield f"the kernel says: {text.strip()}"
            continue
        if where == "stderr" and text.strip():
            yield f"it writes to standard error: {text.strip()[:2000]}"
        rest = text
        for allowed in expected:
            rest = rest.replace(allowed, "")
        for wrong in FORBIDDEN.finditer(rest):
            yield f"its output holds `{wrong.group()[:300]}`"
    for text in expected:
        if text not in everything:
            yield f"it should show `{text}`"
    if wanted and not everything.strip():
        yield "it should show something, and shows nothing"
    if any(want["picture"] for want in wanted) and not any(pictures(text) for _, text in found):
        yield "it should show a picture"


def pictures(text):
    """The images within an HTML text, decoded; an image that does not decode is none."""
    found = []
    for data in re.findall(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"', text):
        svg = base64.b64decode(data).decode()
        if "<svg" in svg and ("<path" in svg or "<polyline" in svg or "<circle" in svg or "<rect" in svg):
            found.append(svg)
    return found


class Teller(NotebookClient):
    """Executes cells and tells how long each took."""

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        began = time.monotonic()
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            await self.late(cell, cell_index)
            if cell.cell_type == "code":
                first = next((line for line in cell.source.splitlines() if not line.startswith("//")), "")
                print(f"cell {cell_index}: {time.monotonic() - began:6.1f} s  {first}", flush=True)

    async def late(self, cell, cell_index):
        """Takes what arrives after the kernel has called the cell done."""
        while self.kc is not None and cell.cell_type == "code":
            try:
                message = await ensure_async(self.kc.get_iopub_msg(timeout=LATE_SECONDS))
            except queue.Empty:
                return
            self.process_message(message, cell, cell_index)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--timeout", type=int, default=1800, help="seconds a cell may take (the first one compiles lossc)")
    args = parser.parse_args()
    if args.out.resolve() == args.notebook.resolve():
        parser.error("OUT is the notebook itself")

    notebook = nbformat.read(args.notebook, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = Teller(
        notebook,
        timeout=args.timeout,
        startup_timeout=STARTUP_SECONDS,
        allow_errors=True,
        resources={"metadata": {"path": str(args.notebook.resolve().parent)}},
    )
    found = []
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:
        found.append(f"the notebook stopped: {error}")
    nbformat.write(notebook, args.out)

    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"cell {index} was not executed")
            continue
        found.extend(f"cell {index}: {fault}\n{indent(cell.source)}" for fault in faults(cell))
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{args.notebook}: {'executed' if not found else f'{len(found)} faults'}; the executed copy is {args.out}")
    return 1 if found else 0


def indent(text):
    return "\n".join(f"    | {line}" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
