"""tls: the same campaigns over TLS, which nginx speaks: for HTTP as the server itself, for SMTP in
front of Postfix's smtp-sink."""

import campaign
from figures import Goal, Row
from stage import Missing, free_port, program

MODULES = "/usr/lib/nginx/modules"  # where Debian has them
STREAM = f"{MODULES}/ngx_stream_module.so"

# What Twilio answers, to everybody the same.
REPLY = '{"sid": "SM00000000000000000000000000000001", "status": "queued", "error_code": null}'
NGINX = """daemon off;
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/nginx.log crit;
{main}
events {{ worker_connections 4096; }}
{body}
"""
HTTPS = """http {{
    access_log off;
    client_body_temp_path {work}/nginx-body;
    proxy_temp_path {work}/nginx-proxy;
    fastcgi_temp_path {work}/nginx-fastcgi;
    uwsgi_temp_path {work}/nginx-uwsgi;
    scgi_temp_path {work}/nginx-scgi;
    keepalive_requests 100000000;
    ssl_certificate {work}/tls.pem;
    ssl_certificate_key {work}/tls.key;
    server {{
        listen 127.0.0.1:{port} ssl;
        default_type application/json;
        location / {{ return 201 '{reply}'; }}
    }}
}}
"""
STREAMS = """stream {{
    ssl_certificate {work}/tls.pem;
    ssl_certificate_key {work}/tls.key;
    server {{ listen 127.0.0.1:{port} ssl; proxy_pass 127.0.0.1:{behind}; }}
    server {{ listen 127.0.0.1:{plain}; proxy_pass 127.0.0.1:{behind}; }}
}}
"""


def certificate(stage):
    """Of 127.0.0.1, signed by itself. Returns its file, which is all one must trust."""
    pem = stage.work / "tls.pem"
    if not pem.exists():
        stage.run([program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", stage.work / "tls.key",
                   "-out", pem])
    return pem


def nginx(stage, port, body, main=""):
    path = stage.work / f"nginx-{port}.conf"
    path.write_text(NGINX.format(work=stage.work, main=main, body=body))
    stage.serve([program("nginx"), "-p", stage.work, "-e", stage.work / "nginx.log", "-c", path],
                port)


def https_rows(bench):
    stage, port = bench.stage, free_port()
    ca = certificate(stage)
    nginx(stage, port, HTTPS.format(work=stage.work, port=port, reply=REPLY))
    yield campaign.http_row(bench, "https", "nginx over TLS", f"https://127.0.0.1:{port}", ca)


def smtps_rows(bench):
    """There is no common load tool that speaks SMTP over TLS: smtp-source goes through the same
    nginx without it, and so does volley once more, which tells what TLS costs."""
    stage, port, plain = bench.stage, free_port(), free_port()
    try:
        open(STREAM).close()
    except OSError:
        raise Missing(f"smtps: {STREAM} is not installed (libnginx-mod-stream)")
    ca = certificate(stage)
    behind = campaign.sink(stage)
    nginx(stage, port, STREAMS.format(work=stage.work, port=port, plain=plain, behind=behind),
          f"load_module {STREAM};")
    yield Row("smtps", "campaign of 1 kB text mails over "
              f"{campaign.CONNECTIONS} connections through nginx, over TLS, into Postfix smtp-sink",
              "mails/s", True,
              {"volley": campaign.mail_campaign(bench, f"smtps://127.0.0.1:{port}", ca),
               "volley, no TLS": campaign.mail_campaign(bench, f"smtp://127.0.0.1:{plain}"),
               "smtp-source, no TLS": campaign.smtp_source(bench, plain)},
              [Goal("smtp-source, no TLS", 1)])
