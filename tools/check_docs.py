"""Runs the Python programs that the docs show, and checks that their links lead somewhere. Exits 1 if one does not."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

PROGRAM = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def main():
    failures = []
    seed = (ROOT / "examples/seed.py").read_text()
    if seed not in PROGRAM.findall((ROOT / "README.md").read_text()):
        failures.append("README.md does not show examples/seed.py as it is")
    for page in PAGES:
        name, text = page.relative_to(ROOT), page.read_text()
        for link in LINK.findall(text):
            if not (page.parent / link).exists():
                failures.append(f"{name}: the link {link} leads nowhere")
        for number, program in enumerate(PROGRAM.findall(text), 1):
            print(f"{name}: program {number}", flush=True)
            if subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode:
                failures.append(f"{name}: program {number} fails")
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures in {len(PAGES)} pages")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
