"""Checks that the tree is built as ARCHITECTURE.md says. Prints each violation as file:line; exits 1 if there is any.

- includes point one way (ALLOWED below);
- Highway's headers stay in src/kernels;
- threads, locks and atomics come from src/runtime/sync.h in the folders that run under the simulated scheduler;
- no file has more than 600 lines, but for the generated stubs;
- ARCHITECTURE.md names every folder of src.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 600

# What files of a folder may include: folders, or single headers; each also itself and the public headers.
ALLOWED = {
    "include/anabranch": [],
    "src/base": [],
    "src/simulation": [],
    "src/runtime": ["src/base", "src/simulation/sync.h"],
    "src/graph": ["src/base", "src/runtime"],
    "src/ops": ["src/base", "src/runtime", "src/graph"],
    "src/eval": [
        "src/base",
        "src/runtime",
        "src/graph",
        "src/kernels/cpu_kernels.h",
        "src/kernels/elementwise/run.h",
    ],
    "src/kernels": ["src/base", "src/graph", "src/runtime/launch.h", "src/runtime/buffer_ref.h"],
    "src/backends": ["src/base", "src/graph/opcode.h", "src/runtime", "src/kernels"],
}

# std's threads, locks, atomics and thread-local storage, which the simulated scheduler could not see.
SEAM_FOLDERS = ("src/runtime", "src/graph", "src/ops", "src/eval", "src/backends")
SEAM_FILES = ("src/runtime/sync.h", "src/runtime/sync.cpp")
SEAM = re.compile(
    r"\bstd::(jthread|thread|(recursive_|timed_|shared_)?mutex|condition_variable(_any)?|atomic\w*|lock_guard"
    r"|unique_lock|scoped_lock|shared_lock|call_once|once_flag|this_thread|counting_semaphore|binary_semaphore|latch"
    r"|barrier|future|promise|async)\b|\bthread_local\b"
    r"|#include <(thread|mutex|shared_mutex|atomic|condition_variable|semaphore|future)>"
)

SIMD = re.compile(r"^\s*#\s*include\s+[<\"]hwy/")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [file for file in listed.splitlines() if (ROOT / file).is_file()]


def folder_of(file):
    return next((folder for folder in ALLOWED if file.startswith(folder + "/")), None)


def resolve(file, included):
    """The path, from the root, of a header that `file` includes in quotes, or None where it is not one of ours."""
    for base in (Path(file).parent, Path("src"), Path("include")):
        if (ROOT / base / included).is_file():
            return (base / included).as_posix()
    return None


def strip_comment(line):
    return line.split("//", 1)[0]


def check_includes(file, lines):
    folder = folder_of(file)
    if folder is None:
        if file.startswith("src/"):
            yield f"{file}:1: ALLOWED in tools/check_structure.py does not say what its folder may include"
        return
    permitted = [folder, "include/anabranch", *ALLOWED[folder]]
    for number, line in enumerate(lines, 1):
        if SIMD.match(line):
            if folder != "src/kernels":
                yield f"{file}:{number}: {folder} may not include Highway"
            continue
        match = INCLUDE.match(line)
        if not match:
            continue
        target = resolve(file, match[1])
        if target is None:
            yield f'{file}:{number}: includes "{match[1]}", which is not in src or include'
        elif not any(target == path or target.startswith(path + "/") for path in permitted):
            yield f"{file}:{number}: {folder} may not include {target}"


def check_seam(file, lines):
    if not file.startswith(SEAM_FOLDERS) or file in SEAM_FILES:
        return
    for number, line in enumerate(lines, 1):
        match = SEAM.search(strip_comment(line))
        if match:
            yield f"{file}:{number}: {match[0]} belongs in {SEAM_FILES[0]}; use what that offers"


def check_size(file, lines):
    if len(lines) > MAX_LINES and file != "python/anabranch/_core.pyi":
        yield f"{file}:{len(lines)}: has more than {MAX_LINES} lines"


def check_architecture(files):
    text = (ROOT / "ARCHITECTURE.md").read_text()
    folders = {match[0] for file in files if (match := re.match(r"src/\w+(?=/)", file))}
    for folder in sorted(folders):
        if f"{folder}/" not in text:
            yield f"ARCHITECTURE.md:1: does not name {folder}/"


def main():
    files = tracked_files()
    violations = list(check_architecture(files))
    for file in files:
        is_cpp = file.endswith((".cpp", ".h", ".cu", ".cuh"))
        if not is_cpp and not file.endswith((".py", ".pyi")):
            continue
        lines = (ROOT / file).read_text().splitlines()
        violations += check_size(file, lines)
        if is_cpp:
            violations += check_includes(file, lines)
            violations += check_seam(file, lines)
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations in {len(files)} files")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
