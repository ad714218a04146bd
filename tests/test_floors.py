"""Imports go down only: pipeline > reports > rules > models, and so they do inside models and rules."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = (
    "zhijian.models.records",
    "zhijian.models.engines",
    "zhijian.rules.words",
    "zhijian.rules.keydata",
    "zhijian.rules.call",
    "zhijian.rules.operators",
    "zhijian.rules",
    "zhijian.reports",
    "zhijian.pipeline",
)
RECORDS, ENGINES = 0, 1
WITHOUT_ENGINES = ("zhijian.rules", "zhijian.reports")
# judging must run where no engine is installed
HEAVY = {"torch", "torchaudio", "faster_whisper", "ctranslate2", "pyannote", "prefect", "sqlalchemy"}
SOURCES = [
    path for folder in ("models", "rules", "reports", "pipeline") for path in sorted((ROOT / folder).rglob("*.py"))
]


def module_of(path: Path) -> str:
    return "zhijian." + ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module: str) -> int | None:
    return next((i for i, floor in enumerate(FLOORS) if module == floor or module.startswith(floor + ".")), None)


def imported(path: Path) -> set[str]:
    """Modules a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    floor = floor_of(module_of(path))
    for module in imported(path):
        below = floor_of(module)
        if below is not None and floor is not None:
            assert below <= floor, f"{path} imports {module} from a floor above"
        if module_of(path).startswith(WITHOUT_ENGINES):
            assert below != ENGINES, f"{path} imports {module}: rules and reports run without engines"
            assert module.partition(".")[0] not in HEAVY, f"{path} imports {module}"
        if floor == RECORDS:
            assert module.partition(".")[0] in sys.stdlib_module_names | {"zhijian"}, f"{path} imports {module}"
        assert module.partition(".")[0] not in {"models", "rules", "reports", "pipeline"}, f"{path}: bare import"


def test_files_stay_small():
    long = {str(path.relative_to(ROOT)): n for path in SOURCES if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_every_package_is_installed():
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = {module_of(path) for path in SOURCES if path.name == "__init__.py" and "migrations" not in path.parts}
    assert all(f'"{package}"' in listed for package in packages)
