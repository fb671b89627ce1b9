"""What is handed out for running the app on a server fits the checkout, the app and the programs that read it."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from streamlit.web.cli import main_run

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "docs" / "deploy"
FLAGS = {flag for parameter in main_run.params for flag in parameter.opts}
#: Variables of the environment that the app, python, torch or the C library read.
VARIABLES = {"HOME", "TMPDIR", "OMP_WAIT_POLICY", "MALLOC_ARENA_MAX", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def instructions():
    """Pairs of instruction and its text, with continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


def of(name):
    return [text for word, text in instructions() if word == name]


def check_command(words):
    """The command starts this app with flags that streamlit knows."""
    at = words.index("streamlit")
    assert words[at - 1 : at + 3] == ["-m", "streamlit", "run", "app.py"]
    given = [word.partition("=")[0] for word in words[at + 3 :]]
    assert given
    assert set(given) <= FLAGS


def read_by_the_app(name):
    known = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tamrl").rglob("*.py"))
    setting = name.removeprefix("STREAMLIT_").replace("_", "-").lower().split("-", 1)
    if name.startswith("STREAMLIT_"):
        camel = re.sub(r"-(\w)", lambda found: found[1].upper(), setting[1])
        return f"--{setting[0]}.{camel}" in FLAGS
    return name in VARIABLES or f'"{name}"' in known


def test_the_image_is_made_of_what_is_there_and_runs_as_nobody_in_particular():
    words = [word for word, _ in instructions()]
    assert set(words) <= {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}
    copied = {source for text in of("COPY") for source in text.split()[:-1]}
    assert all((ROOT / source).exists() for source in copied)
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == copied
    assert of("USER") == ["tamrl"]
    assert words.index("USER") < words.index("CMD")
    assert {"app.py", "pages", "tamrl", "assets", "static", ".streamlit"} <= copied
    (command,) = of("CMD")
    check_command(yaml.safe_load(command))
    variables = [pair.partition("=")[0] for pair in " ".join(of("ENV")).split()]
    assert [name for name in variables if not read_by_the_app(name)] == []
    assert re.search(r"^torch==[0-9.]+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M)


def test_the_health_check_asks_below_the_path_of_the_app(monkeypatch):
    (check,) = of("HEALTHCHECK")
    command = yaml.safe_load(check.partition(" CMD ")[2])
    asked = []
    monkeypatch.setattr("urllib.request.urlopen", lambda address, timeout: asked.append(address))
    for base, path in (("", ""), ("tamrl", "tamrl/"), ("/a/b/", "a/b/")):
        monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", base)
        exec(command[2], {})
        assert asked.pop() == f"http://127.0.0.1:8501/{path}_stcore/health"


def test_the_composition_serves_the_app_behind_the_proxy_with_a_root_that_nobody_writes():
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    app, proxy = found["services"]["app"], found["services"]["proxy"]
    known = {
        *("build", "restart", "read_only", "tmpfs", "volumes", "environment", "cpus", "mem_limit", "pids_limit"),
        *("cap_drop", "security_opt", "expose", "image", "depends_on", "ports"),
    }
    assert set(found) == {"services", "volumes"}
    assert {*app, *proxy} <= known
    assert app["read_only"] is True
    assert (DEPLOY / app["build"]["context"]).resolve() == ROOT
    assert (ROOT / app["build"]["dockerfile"]).is_file()
    assert [name for name in app["environment"] if not read_by_the_app(name)] == []
    volume, _, place = app["volumes"][0].partition(":")
    assert place in of("VOLUME")
    assert {volume, "certificates"} == set(found["volumes"])
    assert (DEPLOY / proxy["volumes"][0].partition(":")[0]).is_file()
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    assert caddy.count("{") == caddy.count("}")
    assert f"reverse_proxy app:{app['expose'][0]}" in caddy
    assert f"handle /{app['environment']['STREAMLIT_SERVER_BASE_URL_PATH']}/*" in caddy
    assert app["expose"] == of("EXPOSE")


def test_the_service_is_one_that_systemd_takes(tmp_path):
    text = (DEPLOY / "tamrl.service").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.M)
    check_command(shlex.split(command))
    names = re.findall(r"^Environment=(\w+)=", text, re.M)
    assert [name for name in names if not read_by_the_app(name)] == []
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=on-failure"):
        assert line in text.splitlines()
    assert "MemoryDenyWriteExecute" not in text, "torch compiles"
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed here")
    here = (
        text.replace("/opt/tamrl/.venv/bin/python", "/bin/sh")
        .replace("/opt/tamrl", "/")
        .replace("=tamrl\n", "=root\n", 1)
    )
    (tmp_path / "tamrl.service").write_text(here, encoding="utf-8")
    done = subprocess.run([verify, "verify", tmp_path / "tamrl.service"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_job_of_a_cluster_is_a_script_that_starts_the_app():
    text = (DEPLOY / "serve.sbatch").read_text(encoding="utf-8")
    (command,) = re.findall(r"^exec (.*)$", text, re.M)
    check_command(shlex.split(command))
    assert [name for name in re.findall(r"^export (\w+)=", text, re.M) if not read_by_the_app(name)] == []
    assert re.findall(r"^#SBATCH --(\w[\w-]*)=", text, re.M) == ["job-name", "cpus-per-task", "mem", "time", "output"]
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed here")
    done = subprocess.run([bash, "-n", "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
