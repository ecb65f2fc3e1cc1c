"""Breaks the runtime in one place at a time and sees whether the tests notice: ./dev mutants [--quick] [NUMBER ...].

Each mutant of tests/simulation/mutants.txt changes one fragment of one function. The file is compiled with it, as the
build compiles it, and linked into a `simulate` of its own, which runs random programs under the deterministic
scheduler; a weakened memory order needs no compiling. What survives that meets the tests under the scheduler, and,
built into a libanabranch.so, those of the runtime. A mutant is killed by a failure or a crash. Prints the score; fails
if a mutant survives that is not explained in the table, or if the table names code that is not there any more.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
TABLE = ROOT / "tests/simulation/mutants.txt"
LINKED = ("tests/simulate", "tests/test_simulation", "lib/libanabranch.so")
TESTS = ("runtime", "eval", "sim", "contract")
SECONDS = 120  # against what goes on for ever; a schedule that hangs ends itself after 60
BYTES = 8 << 30  # against what allocates for ever


class TableError(Exception):
    """The table does not fit the sources."""


@dataclasses.dataclass
class Mutant:
    number: int
    quick: bool
    file: str
    function: str
    breaks: str
    old: list = dataclasses.field(default_factory=list)
    new: list = dataclasses.field(default_factory=list)
    weakens: bool = False
    equivalent: str = ""


def load_table():
    mutants, file = [], None
    for number, line in enumerate(TABLE.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if section := re.fullmatch(r"\[(.+)\]", line):
            file = section[1]
        elif head := re.fullmatch(r"(\d+)(\*?) ([\w:~]+): (.+)", line):
            mutants.append(Mutant(int(head[1]), bool(head[2]), file, head[3], head[4]))
        elif line[:2] in ("- ", "~ ", "+ ", "= ") and mutants:
            mutant = mutants[-1]
            mutant.weakens |= line[0] == "~"
            if line[0] in "-~":
                mutant.old.append(line[2:].strip())
            elif line[0] == "+":
                mutant.new.append(line[2:])
            else:
                mutant.equivalent = line[2:]
        else:
            raise TableError(f"line {number} is of no known form: {line}")
    if len({m.number for m in mutants}) != len(mutants):
        raise TableError("two mutants have the same number")
    return mutants


def bodies_of(text, function):
    """The spans of the definitions of `function`: up to the brace that closes it, indented as the first line."""
    found = []
    head = re.compile(r"^( *)(?!return )(?:[\w:<>&*,]+ )*[&*]?" + re.escape(function) + r"\(", re.MULTILINE)
    for match in head.finditer(text):
        opened = re.compile(r"[{;]").search(text, match.end())
        if opened is None or opened.group() == ";":
            continue
        line_end = text.index("\n", opened.start())
        if text[line_end - 1] == "}":
            found.append((match.start(), line_end))
        else:
            found.append((match.start(), text.index("\n" + match.group(1) + "}", opened.start())))
    return found


@dataclasses.dataclass
class Site:
    """Where a mutant changes its file."""

    text: str
    begin: int
    end: int

    @property
    def line(self):
        return self.text.count("\n", 0, self.begin) + 1


def find(mutant):
    where = f"mutant {mutant.number} ({mutant.file})"
    path = ROOT / "src" / mutant.file
    if not path.is_file():
        raise TableError(f"{where}: there is no such file")
    text = path.read_text()
    fragment = re.compile(r"\s*\n\s*".join(re.escape(line) for line in mutant.old))
    found = [m for begin, end in bodies_of(text, mutant.function) for m in fragment.finditer(text, begin, end)]
    if len(found) != 1:
        raise TableError(
            f"{where}: {mutant.function}() contains this {len(found)} times, where once was expected: {mutant.old}"
        )
    return Site(text, found[0].start(), found[0].end())


def check(table):
    """Whether each mutant finds its fragment."""
    wrong = []
    for mutant in table:
        try:
            find(mutant)
        except TableError as error:
            wrong.append(str(error))
    if wrong:
        raise TableError("the sources have moved on\n" + "\n".join(wrong))


def mutated(mutant, site, source):
    """The text of the file with the mutant in it; what stays is where it was, as far as the compiler says."""
    after = site.text.count("\n", 0, site.end) + 1
    new = "\n".join(mutant.new)
    return f'#line 1 "{source}"\n{site.text[: site.begin]}{new}\n#line {after}\n{site.text[site.end :]}'


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(command, **environment):
    """Whether it succeeded, and what it printed."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        # A session of its own, so that what it started ends with it.
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=BUILD,
            env={**os.environ, **environment},
            start_new_session=True,
            preexec_fn=limited,
        )
        try:
            ok = process.wait(SECONDS) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return False, f"no end after {SECONDS} s"
        output.seek(0)
        return ok, output.read()


class Builder:
    """Builds a program or library of the build tree with one object replaced."""

    def __init__(self):
        self.compiles = json.loads((BUILD / "compile_commands.json").read_text())
        self.links = {t: self.link_of(t) for t in LINKED}

    @staticmethod
    def link_of(target):
        command = subprocess.run(
            ["ninja", "-C", str(BUILD), "-t", "commands", "-s", target], check=True, capture_output=True, text=True
        ).stdout
        return shlex.split(command.strip().removeprefix(": && ").removesuffix(" && :"))

    def compile(self, source, simulated, patched, out):
        for entry in self.compiles:
            words = shlex.split(entry["command"])
            if entry["file"] == str(source) and ("-DANABRANCH_SIMULATED" in words) == simulated:
                original = words[words.index("-o") + 1]
                words[words.index("-o") + 1] = str(out)
                words[words.index("-c") + 1] = str(patched)
                ok, output = run([*words, "-w"])
                if not ok:
                    raise TableError(f"{source}: the mutant does not compile\n{output}")
                return original
        raise TableError(f"{source}: the build does not compile this file")

    def link(self, target, original, replacement, out):
        words = list(self.links[target])
        words[words.index("-o") + 1] = str(out)
        if original in words:
            words[words.index(original)] = str(replacement)
        else:  # it is in an archive: what is found before is not taken from there
            words.insert(words.index("-o"), str(replacement))
        ok, output = run(words)
        if not ok:
            raise TableError(f"{target}: does not link with a mutant\n{output}")


@dataclasses.dataclass
class Verdict:
    mutant: object
    killed: bool
    how: str
    seconds: float


def last_line(output, pattern):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next((line for line in lines if re.search(pattern, line)), lines[-1] if lines else "")


def simulate(program, schedules, *options):
    """What the simulation found, or None."""
    ok, output = run([str(program), "--seed", "1", "--schedules", str(schedules), *options])
    if ok:
        return None
    seed = re.search(r"again: .*--seed (\d+)", output)
    what = last_line(output, "FAILED|no end").replace("SIMULATION FAILED: ", "")
    return f"simulation, schedule {seed.group(1) if seed else '?'}: {what}"


def run_tests(name, program, **environment):
    """The first failure of a GoogleTest program, or None."""
    ok, output = run([str(program), "--gtest_brief=1"], **environment)
    if ok:
        return None
    return f"tests/{name}: {last_line(output, r'FAILED|no end').replace('[  FAILED  ] ', '')}"


def run_all_tests(library):
    for folder in TESTS:
        for devices in ("", "2") if folder == "contract" else ("",):
            environment = {"LD_PRELOAD": str(library), "ANABRANCH_SIM_GPU": devices}
            if how := run_tests(folder, BUILD / f"tests/test_{folder}", **environment):
                return how
    return None


def judge(mutant, builder, schedules, scratch):
    began = time.monotonic()
    site = find(mutant)
    how = None
    if mutant.weakens:
        place = f"{mutant.file}:{site.line}"
        how = simulate(BUILD / "tests/simulate", schedules, "--weaken", place)
        if how is None:
            how = run_tests("simulation", BUILD / "tests/test_simulation", ANABRANCH_WEAKEN=place)
    else:
        folder = Path(scratch) / str(mutant.number)
        folder.mkdir()
        source = ROOT / "src" / mutant.file
        patched = folder / source.name
        patched.write_text(mutated(mutant, site, source))
        target = folder / "mutant.o"
        original = builder.compile(source, True, patched, target)
        builder.link("tests/simulate", original, target, folder / "simulate")
        how = simulate(folder / "simulate", schedules)
        if how is None:
            builder.link("tests/test_simulation", original, target, folder / "test_simulation")
            how = run_tests("simulation", folder / "test_simulation")
        if how is None:
            original = builder.compile(source, False, patched, target)
            builder.link("lib/libanabranch.so", original, target, folder / "libanabranch.so")
            how = run_all_tests(folder / "libanabranch.so")
        shutil.rmtree(folder)
    return Verdict(mutant, how is not None, how or "", time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(prog="./dev mutants", description=__doc__.split("\n\n")[0])
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="only these mutants")
    parser.add_argument("--quick", action="store_true", help="some of each file, which die soon")
    parser.add_argument("--schedules", type=int, default=10000, help="for each mutant (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="say only whether the table fits the sources")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    try:
        table = load_table()
        chosen = [m for m in table if not arguments.numbers or m.number in arguments.numbers]
        if arguments.quick:
            chosen = [m for m in chosen if m.quick]
        check(table)
        if arguments.check:
            return
        builder = Builder()
        verdicts, wrong = [], []
        with (
            tempfile.TemporaryDirectory(prefix="mutants-") as scratch,
            concurrent.futures.ThreadPoolExecutor(arguments.jobs) as executor,
        ):
            if (how := simulate(BUILD / "tests/simulate", arguments.schedules)) is not None:
                raise TableError(f"the runtime as it is does not pass: {how}")
            work = [executor.submit(judge, m, builder, arguments.schedules, scratch) for m in chosen]
            for done in concurrent.futures.as_completed(work):
                try:
                    v = done.result()
                except TableError as error:
                    wrong.append(str(error))
                    print(error, flush=True)
                    continue
                verdicts.append(v)
                kind = "killed  " if v.killed else "explained" if v.mutant.equivalent else "SURVIVED"
                print(
                    f"[{len(verdicts)}/{len(chosen)}] {kind} {v.mutant.number} {v.mutant.file} {v.mutant.function}: "
                    f"{v.how or v.mutant.breaks} ({v.seconds:.0f} s)",
                    flush=True,
                )
    except TableError as error:
        sys.exit(f"mutants: {error}\nThe table is {TABLE.relative_to(ROOT)}.")

    killed = [v for v in verdicts if v.killed]
    survived = sorted((v for v in verdicts if not v.killed and not v.mutant.equivalent), key=lambda v: v.mutant.number)
    explained = len(verdicts) - len(killed) - len(survived)
    print(
        f"\n{len(killed)} of {len(verdicts) - explained} mutants killed, {explained} more change nothing that matters"
    )
    for v in survived:
        print(f"survived: {v.mutant.number} {v.mutant.file} {v.mutant.function}: {v.mutant.breaks}")
    for error in wrong:
        print(f"not judged: {error}")
    sys.exit(1 if survived or wrong else 0)


if __name__ == "__main__":
    main()
