#!/bin/sh
# HTTP/2 through nginx, which ends each connection after so many requests (keepalive_requests) with
# requests on it that it does not look at. None of them is in doubt: all are sent, once.
. "$(dirname "$0")/lib.sh"
nginx=$(command -v nginx || command -v /usr/sbin/nginx) || skip "nginx is not installed"
"$nginx" -V 2>&1 | grep -q http_v2 || skip "this nginx does not speak HTTP/2"
studio
account studio '"tier": "endless"'
people=3000
customers $people
sandbox
port=$(free_ports 1)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 -keyout tls.key -out tls.pem 2>/dev/null
cat >nginx.conf <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.log crit;
events { worker_connections 1024; }
http {
    access_log $work/access.log;
    client_body_temp_path $work/nginx-body;
    proxy_temp_path $work/nginx-proxy;
    fastcgi_temp_path $work/nginx-fastcgi;
    uwsgi_temp_path $work/nginx-uwsgi;
    scgi_temp_path $work/nginx-scgi;
    keepalive_requests 200;
    ssl_certificate $work/tls.pem;
    ssl_certificate_key $work/tls.key;
    server {
        listen 127.0.0.1:$port ssl http2;
        location / { proxy_pass http://127.0.0.1:$http_port; }
    }
}
CONF
background nginx "$nginx" -p "$work" -e "$work/nginx.log" -c "$work/nginx.conf"
until_true 5 test -s nginx.pid
cat >volley.yaml <<YAML
public_url: https://studio.example
providers:
  app: {type: webhook, url: "https://127.0.0.1:$port/push", tls_ca: "$work/tls.pem", max_connections: 16,
        on_unknown: hold}
routes: {push: [app]}
tiers: {endless: {segments: 1000000}}
YAML
job all '"channels": ["push"]'
expect 0 "$volley" send all.json --json >all.books 2>send.err
"$volley" messages --job all --json >all.log

check $people <<'PY'
people = int(sys.argv[1])
push = channel(books("all.books", named=["push"]), "push")
doubts = collections.Counter(m.get("detail") for m in lines("all.log") if m["status"] != "sent")
equal((push["sent"], push["unknown"]), (people, 0), f"sent, unknown: {doubts}")
true("HTTP/2.0" in open("access.log").read(), "it was HTTP/2")
got = box("push")
equal((len(got), len({m["id"] for m in got})), (people, people), "messages, and by their ids")
PY
