"""What lies in packaging/: each file is held to the programs that it is about."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from http_client import serving_http
from processes import HILO, PATIENCE_S, ROOT, run_hilo
from prometheus_client.parser import text_string_to_metric_families

PACKAGING = ROOT / "packaging"
UNIT = PACKAGING / "hilo.service"


def test_the_dashboard_draws_metrics_that_there_are(
    runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with serving_http(tmp_path, runtime / "s", "--backend", "echo") as server:
        assert server.embed({"input": "a"}).status == 200
        text = server.ask("GET", "/metrics").body.decode()
    there = {
        sample.name: sample.labels.keys()
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    dashboard = json.loads((PACKAGING / "grafana.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    expressions += [item["query"] for item in dashboard["templating"]["list"]]
    named = {name for expression in expressions
             for name in re.findall(r"\b(?:hilo|process)_[a-z_]+", expression)}
    assert len(named) > 15
    assert named <= there.keys()
    for expression in expressions:
        for by, name in re.findall(
            r"sum by \(([a-z, ]+)\) \((?:rate\()?([a-z_]+)", expression
        ):
            assert set(by.split(", ")) <= there[name], expression
    for panel in panels:
        assert panel["title"] and all(target["legendFormat"] for target in panel["targets"])


def unit_value(name: str) -> str:
    [value] = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return value


def test_the_unit_starts_what_there_is() -> None:
    command = unit_value("ExecStart").split()
    assert command[:2] == ["/usr/local/bin/hilo", "serve"]
    options = run_hilo("serve", "--help").stdout
    assert all(word in options for word in command if word.startswith("--"))
    assert "--http-api-keys" in UNIT.read_text()  # docs/OPERATIONS.md says the same.


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "hilo.service"
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/hilo", HILO)
                    .replace("User=hilo", "User=root"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    complaints = [line for line in done.stderr.splitlines() if "hilo.service" in line]
    assert complaints == []


def test_the_image_is_made_of_what_there_is() -> None:
    """No image is built here, so its parts are looked at: paths, packages, options."""
    text = (PACKAGING / "Dockerfile").read_text()
    _, build, runtime = text.split("\nFROM ")
    assert (ROOT / "tools/dev_setup.sh").exists() and "COPY tools/dev_setup.sh" in build
    assert '"${build_packages[@]}"' in build
    presets = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
    [preset] = re.findall(r"cmake --preset (\w+)", build)
    assert preset in {each["name"] for each in presets}
    for program in ("hilo", "hilo-http"):
        assert f"/hilo/build/{preset}/bin/{program}" in runtime
    # The libraries beside libc that the program needs are in the image.
    needed = subprocess.run(["ldd", Path(HILO).with_name("hilo-http")],
                            capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    for library in re.findall(r"lib(simdjson|prometheus-cpp-core)\.so", needed.stdout):
        assert f"lib{library}" in runtime
    others = set(re.findall(r"(lib[\w+-]+)\.so", needed.stdout)) - {
        "libsimdjson", "libprometheus-cpp-core", "libstdc++", "libgcc_s", "libm", "libc"}
    assert others == set()


def test_its_health_check_is_a_route(runtime: Path, tmp_path: Path) -> None:
    [path] = re.findall(r"http://127\.0\.0\.1:8080(/[\w/]+)",
                        (PACKAGING / "Dockerfile").read_text())
    with serving_http(tmp_path, runtime / "s", "--backend", "echo") as server:
        assert server.ask("GET", path).status == 200
