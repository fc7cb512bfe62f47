"""Guards over source text and names. Each takes plain data and returns one sentence per violation."""

import ast
import posixpath
import re
import sys
from collections.abc import Iterable, Mapping

FILE_BUDGET = 400
FUNCTION_BUDGET = 45
COUNTING = "django_assert_num_queries"
ALLOWED_STDLIB_NAMES = {"http", "mailbox"}  # the one guarded client; a word of our domain, always below a package

Sources = Mapping[str, str]


def long_files(sources: Sources) -> list[str]:
    counts = ((path, text.count("\n")) for path, text in sources.items())
    return [f"{path} has {lines} lines, more than {FILE_BUDGET}" for path, lines in counts if lines > FILE_BUDGET]


def long_functions(sources: Sources) -> list[str]:
    return [
        f"{path}:{node.lineno} {node.name} has {length} lines, more than {FUNCTION_BUDGET}"
        for path, text in sources.items()
        for node in _functions(text)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_BUDGET
    ]


def hidden_imports(sources: Sources, *, packages: Iterable[str]) -> list[str]:
    """Imports of our own code inside a function: a circle in hiding."""
    ours = set(packages)
    return sorted(
        {
            f"{path}:{inner.lineno} imports {name} inside {function.name}"
            for path, text in sources.items()
            for function in _functions(text)
            for inner in ast.walk(function)
            for name in _imported(inner)
            if name.partition(".")[0] in ours
        }
    )


def _functions(text: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def shadowing_modules(modules: Iterable[str]) -> list[str]:
    names = {module: module.rpartition(".")[2] for module in modules}
    taken = sys.stdlib_module_names - ALLOWED_STDLIB_NAMES
    return [f"{module} is named like the standard library's {name}" for module, name in names.items() if name in taken]


def models_importing_more(imports: Mapping[str, Iterable[str]], *, packages: Iterable[str]) -> list[str]:
    """Models import models and the floor, nothing else of ours."""
    ours = set(packages)
    return [
        f"{module} imports {imported}"
        for module, found in imports.items()
        if "models" in module.split(".")[1:2]
        for imported in sorted(found)
        if imported.partition(".")[0] in ours
        and "models" not in imported.split(".")[1:2]
        and not imported.startswith("outreach.lib")
    ]


def untested_commands(commands: Iterable[str], *, tests: Sources) -> list[str]:
    """A test names a command when it calls it, imports its module, or types it after manage.py."""
    text = "\n".join(tests.values())
    return [f"no test names the command {name}" for name in sorted(commands) if not _named(name, text)]


def _named(command: str, text: str) -> bool:
    called = rf"""(call_command\(\s*|manage\.py",\s*)["']{command}["']"""
    return bool(re.search(rf"{called}|manage\.py {command}\b|commands(\.| import ){command}\b", text))


def uncounted_lists(routes: Iterable[str], *, tests: Sources) -> list[str]:
    """A list is counted when its route is named in a test that counts queries, or in its parameters."""
    texts = [_with_decorators(text, test) for text in tests.values() if COUNTING in text for test in _functions(text)]
    counting = "\n".join(text for text in texts if COUNTING in text)
    return [f"no test counts the queries of {route}" for route in sorted(routes) if not _quoted(route, counting)]


def _with_decorators(text: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return "\n".join(text.splitlines()[first - 1 : function.end_lineno])


def _quoted(name: str, text: str) -> bool:
    return f'"{name}"' in text or f"'{name}'" in text


def undelivered_tasks(tasks: Iterable[str], *, scheduled: Iterable[str], sources: Sources) -> list[str]:
    """Every task is in the schedule or queued by a task; every scheduled name is a task."""
    known, planned = set(tasks), set(scheduled)
    callers = "\n".join(text for path, text in sources.items() if path.endswith("tasks.py"))
    idle = [
        f"nothing calls the task {task}"
        for task in sorted(known - planned)
        if not re.search(rf"\b{task.rpartition('.')[2]}\.(delay|apply_async)\(", callers)
    ]
    return idle + [f"the schedule names {task}, which is no task" for task in sorted(planned - known)]


def broken_links(pages: Sources, *, files: Iterable[str]) -> list[str]:
    """Links between the pages and to files of the project; `files` are all paths that exist."""
    existing = set(files)
    return [
        f"{page} links to {target}, which is no file"
        for page, text in pages.items()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        if posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) not in existing
    ]
