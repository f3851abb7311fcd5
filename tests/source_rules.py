"""The house rules that can be read off one source file. Pure: a module in, its offences out."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

Offence = tuple[int, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef

LONGEST_MODULE, LONGEST_TEST_MODULE, LONGEST_FUNCTION, LONGEST_EDGE = 300, 400, 40, 15
LONGEST_MODULE_DOCSTRING = 3
# Packages that are installed only by those who want them may be imported where they are needed.
OPTIONAL_EXTRAS: frozenset[str] = frozenset()
VAGUE_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "shared"}
VAGUE_CLASS = re.compile(r"(Data|Info|Item|Manager|Handler|Helper|Utils?)$")
SIGNALS = re.compile(r"^(pre|post)_(save|delete|init|migrate)$|^m2m_changed$|^receiver$")
SAVING = {"save", "save_base", "save_model", "save_formset", "save_related", "delete_model"}
UNEXPLAINED = (
    (re.compile(r"#\s*noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)* - \S)"), "# noqa: CODE - reason"),
    (re.compile(r"#\s*type:\s*ignore(?!\[[\w, -]+\]  # \S)"), "# type: ignore[code]  # reason"),
    (re.compile(r"#\s*pragma: no cover(?! - \S)"), "# pragma: no cover - reason"),
)
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PARAMETER_LIST = re.compile(
    r"^\s*(:(param|return|rtype|raises)\b|(Args|Parameters|Returns|Raises):)", re.M
)
THIRD_PERSON = re.compile(
    r"^(Adds|Checks|Clears|Closes|Counts|Creates|Deletes|Ends|Finds|Gets|Inserts|Issues|Locks|Makes|"
    r"Marks|Moves|Opens|Reads|Records|Refuses|Removes|Returns|Saves|Sends|Sets|Starts|Takes|Updates|"
    r"Verifies|Writes)\b"
)
WRITING = re.compile(r"\.(save|delete|update|(bulk_|get_or_|update_or_)?create|record)$")
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|Users|work)/\w|--(?:extra-)?(?:index-ur[l]|find-link[s]|trusted-hos[t])"
)


@dataclass(frozen=True)
class Module:
    path: PurePosixPath
    text: str
    tree: ast.Module = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text))

    @property
    def is_test(self) -> bool:
        return self.path.parts[0] == "tests"

    @property
    def is_service(self) -> bool:
        return self.path.stem == "services" or "services" in self.path.parts

    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def comments(self) -> Iterator[tuple[int, str]]:
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def a_module_is_small(module: Module) -> Iterator[Offence]:
    longest = LONGEST_TEST_MODULE if module.is_test else LONGEST_MODULE
    lines = module.text.count("\n")
    if lines > longest:
        yield 1, f"{lines} lines, at most {longest}: split it by what it is for"


def a_function_is_short(module: Module) -> Iterator[Offence]:
    for node in module.functions():
        if _length(node) > LONGEST_FUNCTION:
            yield node.lineno, f"{node.name} has {_length(node)} lines, at most {LONGEST_FUNCTION}"


def an_edge_finds_parses_calls_answers(module: Module) -> Iterator[Offence]:
    """Viewset methods, tasks and admin actions: whatever is longer belongs into a service."""
    in_api = module.path.stem == "api" or "api" in module.path.parts
    for node in module.functions():
        is_method = any(node in found.body for found in module.classes())
        decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
        is_edge = (in_api and is_method) or re.search(
            r"\b(shared_task|admin\.action)\b", decorators
        )
        if is_edge and _length(node) > LONGEST_EDGE:
            yield node.lineno, f"{node.name} has {_length(node)} lines, at most {LONGEST_EDGE}"


def a_module_says_what_it_is_for(module: Module) -> Iterator[Offence]:
    docstring = ast.get_docstring(module.tree)
    if module.tree.body and not docstring:
        yield 1, "no docstring: one to three lines, what it is for and what it must not do"
    elif docstring and len(list(filter(None, docstring.splitlines()))) > LONGEST_MODULE_DOCSTRING:
        yield 1, f"the docstring has more than {LONGEST_MODULE_DOCSTRING} lines"


def nothing_is_left_for_later(module: Module) -> Iterator[Offence]:
    for line, comment in module.comments():
        if LATER.search(comment):
            yield line, "do it now, or write an issue"


def a_silenced_checker_has_a_reason(module: Module) -> Iterator[Offence]:
    for line, comment in module.comments():
        for pattern, wanted in UNEXPLAINED:
            if pattern.search(comment):
                yield line, f"write it as `{wanted}`"


def a_name_says_what_it_is(module: Module) -> Iterator[Offence]:
    for part in {*module.path.parts[:-1], module.path.stem} & VAGUE_MODULES:
        yield 1, f"'{part}' says nothing: name it after what is in it"
    for node in module.classes():
        if VAGUE_CLASS.search(node.name):
            yield node.lineno, f"{node.name}: use a noun of the domain"


def no_signals(module: Module) -> Iterator[Offence]:
    """Celery's hooks of a process are not meant; a row's life is told in its service."""
    for node in _imports(module.tree):
        names = {alias.name for alias in node.names}
        source = getattr(node, "module", "") or ""
        if source.startswith("django") and any(SIGNALS.match(n) or n == "signals" for n in names):
            yield node.lineno, "no signals: the service that writes also does what follows"
        if source.endswith(".signals") and source.startswith("django"):
            yield node.lineno, "no signals: the service that writes also does what follows"


def no_logic_in_save(module: Module) -> Iterator[Offence]:
    """Beat's entries save themselves: that is django-celery-beat's protocol."""
    if module.path.name == "beat.py":
        return
    for parent in module.classes():
        for node in parent.body:
            if isinstance(node, Function) and node.name in SAVING:
                yield node.lineno, f"{parent.name}.{node.name}: a rule belongs into a service"


def imports_stand_at_the_top(module: Module) -> Iterator[Offence]:
    """A benchmark, like conftest.py, starts servers before anything may read the settings."""
    if module.path.name == "conftest.py" or module.path.parts[0] == "bench":
        return
    for function in module.functions():
        if function.name == "ready":
            continue
        for node in _imports(function):
            if not _roots(node) <= OPTIONAL_EXTRAS:
                yield node.lineno, "an import inside a function: a layer was crossed"


def no_exception_is_swallowed(module: Module) -> Iterator[Offence]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            if not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
                yield node.lineno, "catches everything and goes on: name what is expected"
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            yield from ((node.lineno, "suppresses everything") for a in node.args if _is_broad(a))


def a_docstring_lists_no_parameters(module: Module) -> Iterator[Offence]:
    for node in [*module.functions(), *module.classes()]:
        if PARAMETER_LIST.search(ast.get_docstring(node) or ""):
            yield node.lineno, f"{node.name}: the annotations say what the parameters are"


def a_public_service_says_what_it_does(module: Module) -> Iterator[Offence]:
    if not module.is_service:
        return
    for node in _public_functions(module):
        docstring = ast.get_docstring(node)
        if not docstring:
            yield node.lineno, f"{node.name}: one or two sentences in the imperative"
        elif THIRD_PERSON.match(docstring):
            yield node.lineno, f"{node.name}: in the imperative, not '{docstring.split()[0]}'"


def a_public_service_takes_keywords_only(module: Module) -> Iterator[Offence]:
    """A question about one thing, `end_of(recording)`, reads well without its name."""
    if not module.is_service:
        return
    for node in _public_functions(module):
        positional = node.args.posonlyargs + node.args.args
        is_question = len(positional + node.args.kwonlyargs) == 1 and not _writes(node)
        if positional and not is_question:
            yield node.lineno, f"{node.name}: put a * before its parameters"


def nothing_of_ours_is_mocked(module: Module) -> Iterator[Offence]:
    for node in _imports(module.tree):
        named = {getattr(node, "module", ""), *(alias.name for alias in node.names)}
        if module.is_test and named & {"unittest.mock", "mock", "pytest_mock"}:
            yield node.lineno, "use the real part, or a fake at the edge"


def a_test_is_a_sentence(module: Module) -> Iterator[Offence]:
    for node in module.functions():
        if module.is_test and node.name.startswith("test") and node.name.count("_") < 3:
            yield node.lineno, f"{node.name}: say what is true, `test_repeating_changes_nothing`"


def nothing_names_this_machine(module: Module) -> Iterator[Offence]:
    return machine_names(module.text)


def machine_names(text: str) -> Iterator[Offence]:
    """For files of every kind."""
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE.search(line):
            yield number, "a folder or a package index of one machine"


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))


def _roots(node: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names}


def _is_broad(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(k is None or ast.unparse(k) in ("Exception", "BaseException") for k in kinds)


def _public_functions(module: Module) -> Iterator[Function]:
    found = (node for node in module.tree.body if isinstance(node, Function))
    return (node for node in found if not node.name.startswith("_"))


def _writes(node: Function) -> bool:
    calls = (ast.unparse(inner.func) for inner in ast.walk(node) if isinstance(inner, ast.Call))
    return any(WRITING.search(call) for call in calls)
