"""`python -m panel FOLDER`: makes the database in FOLDER, fills it, and serves it on loopback.

Takes a port that is free and says on standard output where it listens. Ends with its standard
input, so that it cannot outlive the test run that started it.
"""

import os
import sys
import threading

os.environ["PANEL_DATA"] = sys.argv[1]
os.environ["DJANGO_SETTINGS_MODULE"] = "panel.settings"

import django  # noqa: E402

django.setup()

from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

from panel import people  # noqa: E402


def end_with_standard_input():
    sys.stdin.buffer.read()
    os._exit(0)


call_command("migrate", verbosity=0)
people.move_in()
server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
server.daemon_threads = True
server.set_app(StaticFilesHandler(get_wsgi_application()))
threading.Thread(target=end_with_standard_input, daemon=True).start()
print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
