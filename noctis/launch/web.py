"""How the web server is started; its settings are deploy/gunicorn.conf.py's."""

import sys

CONFIGURATION = "deploy/gunicorn.conf.py"


def gunicorn(application: str = "noctis.wsgi") -> tuple[str, ...]:
    """The command, for the repository as the working directory."""
    return sys.executable, "-m", "gunicorn", "--config", CONFIGURATION, application
