"""What is installed with this package, and which extra brings a package that is not.

Both are read from the installed package's metadata, as ``pyproject.toml`` declares them.
"""

import re

_PROJECT = "dfd"
_DISTRIBUTIONS = {  # of modules that are not named as the package which brings them
    "c2pa": "c2pa-python",
    "dask": "prefect-dask",
    "distributed": "prefect-dask",
    "retinaface": "retina-face",
    "ruamel": "ruamel.yaml",
    "sklearn": "scikit-learn",
}


def core_packages() -> list[str]:
    """Return the names of the packages that a scan needs: those that come without any extra.

    Example:
        >>> {"onnxruntime", "tensorflow"} & set(core_packages())
        {'onnxruntime'}
    """
    return [name for name, extra in _declared() if extra is None]


def extra_with(module: str) -> str | None:
    """Return the extra that brings a module; None where no extra does.

    Args:
        module: Full name of the module.

    Example:
        >>> extra_with("sklearn.metrics"), extra_with("prefect_dask"), extra_with("numpy")
        ('workflow', 'dask', None)
    """
    top = module.partition(".")[0]
    wanted = _normal(_DISTRIBUTIONS.get(top, top))
    extras = (extra for name, extra in _declared() if _normal(name) == wanted)
    return next(extras, None)


def install_command(extra: str) -> str:
    """Return the command that installs an extra.

    Example:
        >>> print(install_command("workflow"))
        pip install 'dfd[workflow]'
    """
    return f"pip install '{_PROJECT}[{extra}]'"


def _declared() -> list[tuple[str, str | None]]:
    """Return the name of each package that is asked for, with its extra."""
    from importlib.metadata import requires  # slow to import, and rarely needed

    found = (
        re.match(r"""([\w.-]+).*?(?:\bextra == ['"]([\w-]+)['"])?$""", requirement)
        for requirement in requires(_PROJECT) or ()
    )
    return [(match[1], match[2]) for match in found if match]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
