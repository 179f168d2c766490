"""Responds with the user's role as an application of a WSGI framework reads it.

    reader.py flask|django
"""
import json
import socketserver
import sys
import wsgiref.simple_server


def flask_app():
    from flask import Flask, jsonify, request

    app = Flask("reader")

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def read(path):
        value = request.get_json() if request.is_json else None
        body = value.get("user_role") if isinstance(value, dict) else request.form.get("user_role")
        return jsonify(query=request.args.get("user_role"), body=body, merged=request.values.get("user_role"),
                       header=request.headers.get("X-Role"), claim=request.headers.get("X-User-Id"))

    return app


def django_app():
    from django.conf import settings

    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="reader")
    import django
    from django.core.wsgi import get_wsgi_application
    from django.http import JsonResponse
    from django.urls import re_path

    def read(request):
        body = request.POST.get("user_role")
        if body is None and "json" in request.content_type:
            value = json.loads(request.body.decode(request.encoding or "utf-8"))  # as Django REST framework
            body = value.get("user_role") if isinstance(value, dict) else None
        return JsonResponse({"query": request.GET.get("user_role"), "body": body,
                             "header": request.META.get("HTTP_X_ROLE"), "claim": request.META.get("HTTP_X_USER_ID")})

    global urlpatterns
    urlpatterns = [re_path("", read)]
    django.setup()
    return get_wsgi_application()


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


name = sys.argv[1]
app = {"flask": flask_app, "django": django_app}[name]()


def named(environ, start_response):
    def start(status, headers, exc_info=None):
        return start_response(status, headers + [("x-reader", name)], exc_info)
    return app(environ, start)


server = wsgiref.simple_server.make_server("127.0.0.1", 0, named, Server, Handler)
print(server.server_port, flush=True)
server.serve_forever()
