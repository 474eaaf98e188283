"""The rules of tools/tidy. Each is a function from the tree to its findings.

A tree maps paths to texts, so a test gives a rule two lines and sees what it says.
"""

import ast
import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cpp_text
import tidy_banned

Tree = Mapping[str, str]

LINE_LENGTH_MAX = 100
FILE_LINES_ADVISED = 400
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

MODULES_FILE = "cmake/modules.cmake"
EXCEPTIONS_FILE = "tools/tidy_exceptions.txt"


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str
    advice: bool = False  # Shown, but no reason to fail.

    def __str__(self) -> str:
        kind = "advice" if self.advice else "error"
        return f"{self.path}:{self.line}: {kind}: {self.message} [{self.rule}]"


def is_cpp(path: str) -> bool:
    return path.endswith((".h", ".hpp", ".inc", ".c", ".cpp", ".cu"))


def is_python(path: str, text: str) -> bool:
    return path.endswith(".py") or text.startswith("#!/usr/bin/env python3")


def is_shell(text: str) -> bool:
    return text.startswith(("#!/usr/bin/env bash", "#!/bin/sh", "#!/bin/bash"))


def is_test(path: str) -> bool:
    name = posixpath.basename(path)
    return path.startswith("tests/") or "/tests/" in path or bool(
        re.match(r"test_|conftest\.py$|.*_(test|bench|fuzz|test_support)\.\w+$", name))


def is_code(path: str, text: str) -> bool:
    return (is_cpp(path) or is_python(path, text) or is_shell(text)
            or path.endswith((".cmake", ".sh", ".S", ".pyi", "CMakeLists.txt")))


def exceptions(tree: Tree) -> dict[tuple[str, str], str]:
    """(path, rule) -> reason, from the rows `path rule reason` of the list of exceptions."""
    rows = (line.split(None, 2) for line in tree.get(EXCEPTIONS_FILE, "").splitlines())
    return {(row[0], row[1]): row[2] for row in rows if len(row) == 3 and row[0][0] != "#"}


# ---- modules: who may include whom


def module_table(tree: Tree) -> dict[str, list[str]]:
    rows = re.findall(r'^\s*"(\w+)\s*:([^"]*)"', tree.get(MODULES_FILE, ""), re.MULTILINE)
    return {name: allowed.split() for name, allowed in rows}


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
# Besides these, x_c.cpp is where a module implements its part of the public header.
PUBLIC_HEADER_USERS = {"client", "cli", "http"}


def check_includes(tree: Tree) -> Iterator[Finding]:
    table = module_table(tree)
    for path, text in tree.items():
        if not is_cpp(path):
            continue
        for match in INCLUDE.finditer(text):
            line = cpp_text.line_of(text, match.start())
            message = wrong_include(tree, table, path, match.group(1), match.group(2))
            if message:
                yield Finding(path, line, "include", message)


def wrong_include(tree: Tree, table: dict[str, list[str]], path: str, mark: str,
                  included: str) -> str | None:
    folders = path.split("/")
    module = folders[1] if folders[0] == "src" else None
    if included.startswith("spdlog/") and path != "src/base/log.cpp":
        return "only src/base/log.cpp knows spdlog: include \"base/log.h\""
    if included.startswith("hilo/"):
        allowed = (module is None or module in PUBLIC_HEADER_USERS or path.endswith("_c.cpp")
                   or is_test(path))
        users = ", ".join(sorted(PUBLIC_HEADER_USERS))
        return None if allowed else f"only {users} use the public header, not module {module}"
    if mark == "<":
        return None
    if folders[0] in ("examples", "include"):
        return f"what users read includes only <hilo/hilo.h>, not \"{included}\""
    if module is None:
        return None
    target = included.split("/")[0]
    if f"src/{included}" not in tree:
        return f"there is no src/{included}: includes are written from src/"
    if target != module and target not in table.get(module, []):
        return f"module {module} may not include {target}: see the table in {MODULES_FILE}"
    return None


def check_modules(tree: Tree) -> Iterator[Finding]:
    table = module_table(tree)
    known: set[str] = set()
    for name, allowed in table.items():
        for other in allowed:
            if other not in known:
                yield Finding(MODULES_FILE, 1, "modules", f"{name} includes {other}, which has no "
                              "row above it: rows are in order, so that no cycle can be written")
        known.add(name)
    for folder in sorted({path.split("/")[1] for path in tree if path.count("/") > 1
                          and path.startswith("src/")}):
        if folder not in table:
            yield Finding(f"src/{folder}", 1, "modules", f"{MODULES_FILE} has no row for it")


def module_graph(tree: Tree) -> str:
    """The table as a Mermaid graph, without the arrows that follow from other arrows."""
    table = module_table(tree)

    def reach(name: str) -> set[str]:
        return {name}.union(*(reach(other) for other in table.get(name, [])))

    lines = ["graph TD"]
    for name, allowed in table.items():
        for other in allowed:
            if not any(other in reach(third) for third in allowed if third != other):
                lines.append(f"  {name} --> {other}")
    return "\n".join(lines)


def check_graph(tree: Tree) -> Iterator[Finding]:
    """A drawing of the modules in the docs is the one that the table gives."""
    for path, text in tree.items():
        match = re.search(r"<!-- tools/tidy --graph -->\s*```mermaid\n(.*?)\n```", text, re.DOTALL)
        if path.endswith(".md") and match and match.group(1) != module_graph(tree):
            yield Finding(path, cpp_text.line_of(text, match.start()), "graph",
                          "this is not what `tools/tidy --graph` prints: paste it again")


# ---- sizes


def check_lines(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        if not is_code(path, text):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > LINE_LENGTH_MAX and "http" not in line:
                yield Finding(path, number, "line", f"{len(line)} columns, {LINE_LENGTH_MAX} fit")
            if line != line.rstrip() or "\t" in line:
                yield Finding(path, number, "line", "a tab, or a space at the end")
        if text and not text.endswith("\n"):
            yield Finding(path, text.count("\n") + 1, "line", "the last line has no end")


def check_file_sizes(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        lines = text.count("\n")
        if is_code(path, text) and lines > FILE_LINES_ADVISED:
            yield Finding(path, 1, "file", f"{lines} lines; aim for {FILE_LINES_ADVISED}, "
                          f"{FILE_LINES_MAX} is the limit", advice=lines <= FILE_LINES_MAX)


def functions_of(path: str, text: str) -> list[cpp_text.Function]:
    if is_cpp(path):
        return cpp_text.functions(cpp_text.blank(text))
    if is_python(path, text):
        return [cpp_text.Function(node.name, node.lineno, node.end_lineno - node.lineno + 1)
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [cpp_text.Function(match.group(1), cpp_text.line_of(text, match.start()),
                              match.group().count("\n") + 1)
            for match in re.finditer(r"^(\w+)\(\) [{(]\n.*?^[})]", text, re.MULTILINE | re.DOTALL)
            if is_shell(text) or path.endswith(".sh")]


def check_functions(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        for function in functions_of(path, text):
            if function.lines > FUNCTION_LINES_MAX:
                yield Finding(path, function.line, "function", f"{function.name} has "
                              f"{function.lines} lines, {FUNCTION_LINES_MAX} fit")


# ---- what is there for nothing


def check_dead_sources(tree: Tree) -> Iterator[Finding]:
    """Sources of src/ are built by their names; others, and programs, are named in a CMake file."""
    cmake = "\n".join(text for path, text in tree.items()
                      if path.endswith((".cmake", "CMakeLists.txt")))
    patterns = re.findall(r"[\w./-]*\*[\w.*/-]*", cmake.replace("${CMAKE_SOURCE_DIR}/", ""))
    included = {name for path, text in tree.items() if is_cpp(path)
                for _, name in INCLUDE.findall(text)}
    for path in tree:
        stem = posixpath.splitext(posixpath.basename(path))[0]
        by_name = path.startswith("src/") and not path.endswith("_main.cpp")
        named = re.search(rf"\b{re.escape(stem)}\b", cmake) or any(
            fnmatch.fnmatch(path, pattern) for pattern in patterns)
        if path.endswith((".cpp", ".c", ".S")) and not by_name and not named:
            yield Finding(path, 1, "dead", "no CMake file builds it")
        if path.endswith((".h", ".hpp", ".inc")) and "include/" not in path and not any(
                path.endswith("/" + name) for name in included):
            yield Finding(path, 1, "dead", "nothing includes it")


def check_dead_scripts(tree: Tree) -> Iterator[Finding]:
    """A script is named by another file, or imported by one."""
    for path, text in tree.items():
        name = posixpath.basename(path)
        stem = posixpath.splitext(name)[0]
        if path.startswith("python/hilo/") or is_test(path) or path.count("/") == 0 or not (
                is_python(path, text) or is_shell(text) or path.endswith(".sh")):
            continue
        mention = re.compile(rf"\b{re.escape(name)}\b|\bimport {stem}\b|\bfrom {stem} import\b")
        if path != ".ci/run" and not any(
                mention.search(other) for where, other in tree.items() if where != path):
            yield Finding(path, 1, "dead", "no other file mentions it")


def check_strays(tree: Tree) -> Iterator[Finding]:
    for path in tree:
        if path.endswith((".log", ".orig", ".rej", ".pyc", ".o", ".so", "~", ".swp")):
            yield Finding(path, 1, "stray", "does not belong in the repository")


# ---- calls that are not made here


def check_banned_calls(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        if is_cpp(path):
            code, bans = cpp_text.blank(text), tidy_banned.CPP
        elif is_python(path, text):
            code, bans = text, tidy_banned.PYTHON
        else:
            continue
        for line, call, instead in tidy_banned.banned_calls(path, text, code, bans, is_test(path)):
            yield Finding(path, line, "banned", f"`{call}`: use {instead}")


# ---- the rest


def check_ensure(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        if not is_cpp(path) or path == "src/base/ensure.h":
            continue
        code = cpp_text.blank(text)
        for match in re.finditer(r"\bENSURE\s*\(", code):
            condition = cpp_text.call_arguments(code, match.end() - 1)
            line = cpp_text.line_of(code, match.start())
            if "&&" in re.sub(r"\([^()]*\)", "", condition):
                yield Finding(path, line, "ensure", "one condition per ENSURE, so that the message "
                              "says which one was broken")
            if re.search(r"\+\+|--|(?<![=!<>])=(?!=)", condition):
                yield Finding(path, line, "ensure", "an ENSURE changes nothing")


def check_headers(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        if not path.startswith("src/") or not path.endswith(".h"):
            continue
        if not text.startswith(("//", "/*")):
            yield Finding(path, 1, "header", "the first line says what the header promises")
        if "\n#pragma once\n" not in text:
            yield Finding(path, 1, "header", "#pragma once is missing")


MARKS = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK")) + r")\b")


def check_marks(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        for match in MARKS.finditer(text if is_code(path, text) or path.endswith(".md") else ""):
            yield Finding(path, cpp_text.line_of(text, match.start()), "mark",
                          f"{match.group()}: do it, or file an issue")


def headings(text: str) -> list[tuple[int, int, str]]:
    """(line, level, title) of each heading outside code blocks."""
    found, fenced = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        match = None if fenced else re.match(r"(#+) (.*)", line)
        if match:
            found.append((number, len(match.group(1)), match.group(2)))
    return found


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def check_documents(tree: Tree) -> Iterator[Finding]:
    for path, text in tree.items():
        if not path.endswith(".md"):
            continue
        titles = [line for line, level, _ in headings(text) if level == 1]
        if titles != [1]:
            yield Finding(path, titles[1] if len(titles) > 1 else 1, "document",
                          "a document has one title, in its first line")
        prose = re.sub(r"```.*?```|`[^`\n]*`", lambda m: re.sub(r"[^\n]", " ", m.group()), text,
                       flags=re.DOTALL)
        for match in re.finditer(r"\]\(([^)\s]+)\)", prose):
            message = wrong_link(tree, path, match.group(1))
            if message:
                yield Finding(path, cpp_text.line_of(text, match.start()), "document", message)


def wrong_link(tree: Tree, path: str, link: str) -> str | None:
    if re.match(r"\w+:", link):
        return None
    file, _, fragment = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
    if target not in tree and not any(name.startswith(target + "/") for name in tree):
        return f"there is no {target}"
    if fragment and fragment not in {anchor(title) for _, _, title in headings(tree[target])}:
        return f"{target} has no heading #{fragment}"
    return None


RULES = [check_includes, check_modules, check_graph, check_lines, check_file_sizes,
         check_functions, check_dead_sources, check_dead_scripts, check_strays,
         check_banned_calls, check_ensure, check_headers, check_marks, check_documents]


def check(tree: Tree) -> list[Finding]:
    """Every finding that is not on the list of exceptions, and every exception without one."""
    excused = exceptions(tree)
    used = set()
    found = []
    for rule in RULES:
        for finding in rule(tree):
            if (finding.path, finding.rule) in excused:
                used.add((finding.path, finding.rule))
            else:
                found.append(finding)
    for path, rule in excused.keys() - used:
        found.append(Finding(EXCEPTIONS_FILE, 1, "exceptions", f"{path} {rule} is needed no more"))
    return sorted(found, key=lambda finding: (finding.path, finding.line))
