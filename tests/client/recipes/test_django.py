"""Django, with the client started when the application is ready."""

from pathlib import Path

from client.recipes.servers import every_worker_gives, serving
from client.scripted_hub import ScriptedHub

SERVICE = """
from django.apps import AppConfig
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

class Service(AppConfig):
    name = label = "service"
    default = True
    path = os.path.dirname(os.path.abspath(__file__))

    def ready(self):
        config.start()

def answer(_):
    return HttpResponse(f"{os.getpid()} {config.get_int('payments', 'max_retries')} {config.status().state}")

urlpatterns = [path("", answer)]
"""

WSGI = """
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.configure(ALLOWED_HOSTS=["localhost"], ROOT_URLCONF="service", INSTALLED_APPS=["service.Service"])
application = get_wsgi_application()
"""


def test_the_application_follows_the_hub(hub: ScriptedHub, tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text(WSGI)
    command = ["gunicorn", "--workers=1", "--bind=unix:s", "--no-control-socket", "wsgi:application"]
    with serving(tmp_path, SERVICE, command, hub) as server:
        every_worker_gives(server, 3, workers=1)
        hub.publish(max_retries=7)
        every_worker_gives(server, 7, workers=1)
