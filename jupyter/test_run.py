"""Holds run.py to what it promises: cells that go wrong in every way that evcxr answers `ok` to, and each must fail."""

import pathlib
import re
import subprocess
import sys
import tempfile

import nbformat
import nbformat.v4 as notebooks

# A cell, and the words of the fault that must be found in it; None when there must be none.
CELLS = [
    ('// shows: 1 and 2\nprintln!("1 and 2");', None),
    ('println!("before");\nlet nothing: Option<u8> = None;\nnothing.unwrap();', "panicked at"),
    ('"four".parse::<u8>()?;', "invalid digit found in string"),
    ('let n: u8 = "four";\nprintln!("{n}");', "mismatched types"),
    ("// shows\nlet quiet = 1;", "shows nothing"),
    ('// shows: error[E0203]\nprintln!("error[E0203]: as wanted");', None),
    ('// shows: error[E0203]\nprintln!("error[E0203]: as wanted\\nerror[E0101]: and not");', "error[E0101]"),
    ('// shows: one\nprintln!("one");\neprintln!("two");', "standard error"),
    ('// shows: 3\nprintln!("4");', "it should show `3`"),
    ('println!("error: no such file");', "error: no such file"),
    ('// shows picture\nprintln!("<img>");', "it should show a picture"),
    ('println!("{:?}", "four".parse::<u8>());', "Err("),
    ("std::process::exit(0);", ""),
    ('// shows: still here\nprintln!("still here");', None),
]


def main():
    notebook = notebooks.new_notebook(cells=[notebooks.new_code_cell(source) for source, _ in CELLS])
    notebook.metadata.kernelspec = {"name": "rust", "display_name": "Rust", "language": "rust"}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "faults.ipynb")
        path.write_text(nbformat.writes(notebook))
        runner = pathlib.Path(__file__).with_name("run.py")
        command = [sys.executable, runner, path, path.with_name("out.ipynb"), "--timeout", "300"]
        done = subprocess.run(command, capture_output=True, text=True)
    wrong = [] if done.returncode == 1 else [f"the status is {done.returncode}, not 1"]
    for index, (source, words) in enumerate(CELLS):
        told = [fault for fault in re.split(r"^(?=cell \d+: )", done.stderr, flags=re.M) if fault.startswith(f"cell {index}: ")]
        if words is None and told:
            wrong.append(f"cell {index} is right and was refused: {told}\n{source}")
        elif words is not None and not any(words in fault for fault in told):
            wrong.append(f"cell {index} is wrong and was not refused for `{words}`: {told}\n{source}")
    for fault in wrong:
        print(fault, file=sys.stderr)
    print(f"run.py: {'as it should be' if not wrong else 'wrong'} on {len(CELLS)} cells")
    if wrong:
        print(done.stdout, done.stderr, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
