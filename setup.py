"""What the wheel carries: the package, and the app with all that it reads, as ``tamrl/_bundle`` (see tamrl.bundled).

Everything else about the project is in pyproject.toml.
"""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

BUNDLE = "tamrl._bundle"


class BuildBundle(build_py):
    """Takes of the project's own folder what is named below, not every Python file in it."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """Return the modules of a package; the bundle has data alone."""
        return [] if package == BUNDLE else super().find_package_modules(package, package_dir)


setup(
    cmdclass={"build_py": BuildBundle},
    packages=[*find_packages(include=["tamrl*"]), BUNDLE],
    # The folder of the project: app.py, pages/, assets/, static/ and .streamlit/ keep their places to each other.
    package_dir={BUNDLE: "."},
    package_data={
        "tamrl.app": ["**/*.js", "**/*.css"],
        BUNDLE: ["app.py", "pages/*.py", "static/**/*", "assets/**/*", "docs/glossary.md", ".streamlit/config.toml"],
    },
    exclude_package_data={BUNDLE: ["assets/build_*.py"]},
)
