"""The direction of imports, read from the source: see DESIGN.md and CONTRIBUTING.md."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tsne_widget

PACKAGE = Path(tsne_widget.__file__).parent
WIDGET_STACK = {
    "traitlets",
    "ipywidgets",
    "bqplot",
    "bqplot_gl",
    "anywidget",
    "IPython",
    "ipykernel",
}

# A promise, and the only time that a test measures; it takes a hundredth of it.
MAX_IMPORT_SECONDS = 0.3

# What each part of the package may import of the others; "" is tsne_widget/__init__.py.
ALLOWED = {
    "errors": set(),
    "calls": {"errors"},
    "ray_session": {"errors"},
    "whole_files": set(),
    "feature_set": {"errors", "calls", "whole_files"},
    "extraction": {"errors", "calls", "whole_files", "feature_set", "ray_session"},
    "projection": {"errors", "feature_set", "ray_session"},
    "images": {"errors", "feature_set"},
    "analysis": {"errors", "feature_set", "projection"},
    "plotting": {"errors", "calls"},
    "widgets": {
        "",
        "errors",
        "calls",
        "whole_files",
        "feature_set",
        "extraction",
        "projection",
        "images",
        "analysis",
        "plotting",
    },
}


def sources(part=None):
    """Every source file with the part of the package it belongs to."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        own = "" if inside.name == "__init__.py" and len(inside.parts) == 1 else inside.parts[0]
        own = own.removesuffix(".py")
        if part in (None, own):
            yield own, path


def imported(path):
    """Dotted names that a file imports anywhere, but for those only seen by type checkers."""
    tree = ast.parse(path.read_text("utf-8"))
    only_for_types = {
        id(node)
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If) and "TYPE_CHECKING" in ast.dump(guard.test)
        for statement in guard.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in only_for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            if node.module == "tsne_widget":
                yield from (
                    f"tsne_widget.{alias.name}" for alias in node.names if is_part(alias.name)
                )


def is_part(name):
    return (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()


def parts_imported(path):
    for name in imported(path):
        first, *rest = name.split(".")
        if first == "tsne_widget":
            yield rest[0] if rest else ""


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_stands_before_it(part):
    wrong = {
        f"{path.relative_to(PACKAGE)} imports {other or 'tsne_widget'}"
        for own, path in sources(part)
        for other in parts_imported(path)
        if other != own and other not in ALLOWED[part]
    }
    assert not wrong


def test_every_part_of_the_package_is_in_the_rule():
    assert {own for own, _ in sources()} - {""} <= ALLOWED.keys()


def test_only_widgets_import_the_widget_stack():
    wrong = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for own, path in sources()
        if own != "widgets"
        for name in imported(path)
        if name.split(".")[0] in WIDGET_STACK
    }
    assert not wrong


@pytest.mark.parametrize("part", ["errors", "feature_set", "images", "plotting", "analysis"])
def test_torch_is_not_needed_for(part):
    for _, path in sources(part):
        assert not {name for name in imported(path) if name.split(".")[0] == "torch"}, path


def test_plotting_imports_nothing_but_matplotlib_numpy_and_an_extra():
    outside = {
        name.split(".")[0]
        for _, path in sources("plotting")
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
    }
    assert outside == {"matplotlib", "numpy", "tsne_widget", "adjustText"}  # an extra, at use


def test_no_module_is_named_after_nothing():
    names = {
        part for _, path in sources() for part in path.relative_to(PACKAGE).with_suffix("").parts
    }
    assert not names & {"utils", "util", "helpers", "manager", "base", "core", "common", "misc"}


def test_nothing_is_pickled():
    for _, path in sources():
        assert not {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"} & set(
            imported(path)
        ), path


def loaded_by(statement):
    """Names of the modules that a statement loads in a Python of its own."""
    code = f"{statement}; import sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    return {name.split(".")[0] for name in run.stdout.split()}


def test_importing_the_package_loads_neither_torch_nor_a_widget_stack():
    heavy = {*WIDGET_STACK, "torch", "pandas", "matplotlib", "sklearn", "PIL", "numpy"}
    assert not heavy & loaded_by("import tsne_widget")


def test_importing_the_package_takes_less_than_three_tenths_of_a_second():
    """Of the processor, which a busy machine does not stretch; the best of a few."""
    code = (
        "import time; began = time.process_time(); import tsne_widget;"
        " print(time.process_time() - began)"
    )
    run = [sys.executable, "-c", code]
    seconds = min(
        float(subprocess.run(run, capture_output=True, check=True, cwd=PACKAGE.parent).stdout)
        for _ in range(3)
    )
    print(f"import tsne_widget: {1000 * seconds:.1f} ms")
    assert seconds < MAX_IMPORT_SECONDS


def test_the_plain_parts_load_neither_torch_nor_a_widget_stack():
    statement = "import tsne_widget.images, tsne_widget.plotting, tsne_widget.analysis"
    assert not {*WIDGET_STACK, "torch", "sklearn"} & loaded_by(statement)


def test_drawing_a_figure_does_not_load_pyplot():
    code = "import sys, tsne_widget; tsne_widget.plot_embedding([[0, 0], [1, 1]])"
    check = f"{code}; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=PACKAGE.parent)


def test_every_public_name_has_its_home():
    for name in tsne_widget.__all__:
        module = __import__(tsne_widget._HOMES[name], fromlist=[name])
        assert getattr(tsne_widget, name) is getattr(module, name)
    assert {"FeatureSet", "extract", "TSNE", "EmbeddingExplorer"} <= set(dir(tsne_widget))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Explorer'"):
        tsne_widget.Explorer  # noqa: B018
