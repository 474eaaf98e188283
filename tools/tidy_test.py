"""Each rule of tools/tidy is shown something wrong and something right.

The wrong sample proves that the rule can fail; the right one, that it lets ordinary code pass.
"""

import importlib.machinery
import importlib.util
import re
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))
import cpp_text  # noqa: E402
import tidy_banned  # noqa: E402
import tidy_rules  # noqa: E402

TABLE = '  "base  :"\n  "protocol : base"\n  "client : base protocol"\n  "cli : base"\n'
HEADER = "// What it promises.\n#pragma once\n"
LONG_FUNCTION = "int f() {\n" + "  g();\n" * 80 + "}\n"
LONG_PYTHON = "def f():\n" + "    g()\n" * 80


def rules_broken(tree: dict[str, str]) -> set[str]:
    return {finding.rule for finding in tidy_rules.check({"cmake/modules.cmake": TABLE, **tree})}


def cpp(code: str) -> dict[str, str]:
    return {"src/base/a.cpp": code}


WRONG = [
    ("include", {"src/base/a.cpp": '#include "protocol/b.h"\n',
                 "src/protocol/b.h": HEADER}),
    ("include", cpp('#include "base/missing.h"\n')),
    ("include", cpp("#include <spdlog/spdlog.h>\n")),
    ("include", cpp("#include <hilo/hilo.h>\n")),
    ("include", {"examples/a.c": '#include "base/a.h"\n', "CMakeLists.txt": "examples/a.c\n"}),
    ("modules", {"cmake/modules.cmake": '"a : b"\n"b :"\n'}),
    ("modules", {"src/unknown/a.cpp": "\n"}),
    ("graph", {"docs/A.md": "# A\n<!-- tools/tidy --graph -->\n```mermaid\ngraph TD\n```\n"}),
    ("line", cpp("// " + "long " * 30 + "line\n")),
    ("line", cpp("int a;  \n")),
    ("line", cpp("\tint a;\n")),
    ("line", cpp("int a;")),
    ("file", cpp("int a;\n" * 601)),
    ("function", cpp(LONG_FUNCTION)),
    ("function", cpp("namespace hilo {\nclass A {\n" + LONG_FUNCTION + "};\n}\n")),
    ("function", cpp("A::A(int b) : b_{b}, c_(b) {\n" + "  g();\n" * 80 + "}\n")),
    ("function", cpp('TEST(A, B) {\n  const char* s = "}";\n' + "  g();\n" * 80 + "}\n")),
    ("function", {"python/hilo/a.py": LONG_PYTHON}),
    ("function", {"dev": "#!/bin/bash\nf() {\n" + "  g\n" * 80 + "}\n"}),
    ("dead", {"bench/a.cpp": "int a;\n"}),
    ("dead", {"src/base/a.h": HEADER}),
    ("dead", {"src/cli/a_main.cpp": "int a;\n"}),
    ("dead", {"tools/a.py": "a = 1\n"}),
    ("stray", {"pip.log": ""}),
    ("ensure", cpp("void f() { ENSURE(a > 0 && b > 0); }\n")),
    ("ensure", cpp("void f() { ENSURE(count++ < 3); }\n")),
    ("header", {"src/base/a.h": "#pragma once\n", "src/base/a.cpp": '#include "base/a.h"\n'}),
    ("header", {"src/base/a.h": "// Promise.\n", "src/base/a.cpp": '#include "base/a.h"\n'}),
    ("mark", cpp("// TO" "DO: later\n")),
    ("mark", {"docs/A.md": "# A\nFIX" "ME\n"}),
    ("document", {"docs/A.md": "# A\n# B\n"}),
    ("document", {"docs/A.md": "no title\n"}),
    ("document", {"docs/A.md": "# A\n[b](B.md)\n"}),
    ("document", {"docs/A.md": "# A\n[b](#missing)\n"}),
    ("exceptions", {"tools/tidy_exceptions.txt": "src/base/a.cpp line no such finding\n"}),
]
RIGHT = [
    {"src/protocol/a.cpp": '#include <vector>\n#include "base/a.h"\n', "src/base/a.h": HEADER},
    {"src/client/a.cpp": "#include <hilo/hilo.h>\n"},
    {"src/base/log.cpp": "#include <spdlog/spdlog.h>\n"},
    {"bench/a.cpp": "int a;\n",
     "CMakeLists.txt": "add_executable(a ${CMAKE_SOURCE_DIR}/bench/a.cpp)\n"},
    {"bench/a.cpp": "int a;\n", "cmake/a.cmake": "file(GLOB x ${CMAKE_SOURCE_DIR}/bench/*.cpp)\n"},
    {"tools/a.py": "a = 1\n", "dev": "#!/bin/bash\npython3 tools/a.py\n"},
    {"docs/A.md": "# A\n[b](B.md#part-two) [c](https://x)\n```\n# no title\n```\n",
     "docs/B.md": "# B\n## Part two\n"},
    cpp("void f() { ENSURE(a == b); ENSURE(g(a && b)); ENSURE(a <= b); }\n"),
    cpp("constexpr int table[] = {\n" + "  1,\n" * 80 + "};\n"),
    cpp("// a comment with sprintf( and throw\nconst char* a = \"new A\";\n"),
    cpp("std::unique_ptr<A> a{new A{1}};\nA(const A&) = delete;\n"),
    cpp("// tidy: allowed, the library keeps a copy\nauto a = std::make_shared<A>();\n"),
    {"src/base/a.cpp": "int a;\n" * 601, "tools/tidy_exceptions.txt": "src/base/a.cpp file data\n"},
]
BANNED = [
    "snprintf(a, 3, b);", "strcpy(a, b);", "atoi(a);", "std::rand();", "system(a);", "popen(a, b);",
    "a << std::endl;", "A* a = new A;", "delete a;", "malloc(3);", "std::shared_ptr<A> a;",
    "sleep(1);", "std::this_thread::sleep_for(a);", "thread.detach();", "assert(a);",
    "throw Error{};", "dynamic_cast<A*>(b);", "signal(SIGINT, handler);",
    "std::atomic_thread_fence(a);", "std::cout << a;", "using namespace std;",
]
BANNED_PYTHON = [
    "os.system(a)", "run(a, shell=True)", "try:\n    a()\nexcept:\n    b()", "time.sleep(1)",
    "print(a)", "from a import *",
]


@pytest.mark.parametrize(("rule", "tree"), WRONG)
def test_a_rule_finds_what_is_wrong(rule, tree):
    assert rule in rules_broken(tree)


@pytest.mark.parametrize("tree", RIGHT)
def test_ordinary_code_passes(tree):
    assert rules_broken(tree) == set()


@pytest.mark.parametrize("statement", BANNED)
def test_a_banned_call_is_found(statement):
    assert rules_broken(cpp(f"void f() {{ {statement} }}\n")) == {"banned"}


@pytest.mark.parametrize("statement", BANNED_PYTHON)
def test_a_banned_call_in_the_package_is_found(statement):
    assert rules_broken({"python/hilo/a.py": statement + "\n"}) == {"banned"}


@pytest.mark.parametrize("ban", tidy_banned.CPP + tidy_banned.PYTHON, ids=lambda ban: ban.pattern)
def test_every_ban_has_a_sample(ban):
    assert any(re.search(ban.pattern, sample, re.MULTILINE) for sample in BANNED + BANNED_PYTHON)


@pytest.mark.parametrize("rule", tidy_rules.RULES, ids=lambda rule: rule.__name__)
def test_every_rule_has_a_sample(rule):
    samples = [tree for _, tree in WRONG] + [cpp(statement + "\n") for statement in BANNED]
    assert any(list(rule({"cmake/modules.cmake": TABLE, **tree})) for tree in samples)


def test_functions_are_measured_from_head_to_closing_brace():
    code = "int f(int a) {\n  if (a) {\n    return 1;\n  }\n  return 2;\n}\n\nvoid g();\n"
    assert cpp_text.functions(code) == [cpp_text.Function("f", 1, 6)]


def test_the_graph_leaves_out_arrows_that_follow():
    graph = tidy_rules.module_graph({"cmake/modules.cmake": TABLE})
    assert "protocol --> base" in graph
    assert "client --> base" not in graph


def test_the_program_reads_this_repository():
    loader = importlib.machinery.SourceFileLoader("tidy", str(TOOLS / "tidy"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
    loader.exec_module(module)
    tree = module.read_tree(TOOLS.parent)
    assert "src/base/ensure.h" in tree
    assert not any(path.startswith(("build/", ".git/")) for path in tree)
