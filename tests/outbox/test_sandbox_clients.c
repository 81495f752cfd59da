/* The sandbox as other people's clients see it. A client that is not installed skips its
 * test. */
#include "tests/outbox/sandbox_child.h"

#include "base/buffer.h"

static bool has_tool(const char *name)
{
    char command[64];
    snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", name);
    return system(command) == 0;
}

static void start(struct sandbox_child *child, const char *tool)
{
    if (!has_tool(tool))
        cr_skip_test("%s is not installed", tool);
    sandbox_start(child, (struct sandbox_config){0});
}

Test(sandbox_clients, smtp_source_delivers_a_thousand)
{
    struct sandbox_child child = {0};
    start(&child, "smtp-source");
    char command[128];
    snprintf(command, sizeof(command),
             "smtp-source -m 1000 -s 20 -f a@b.example -t c@d.example %s", child.smtp);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(box_lines(&child, "email.ndjson"), 1000);
    struct sandbox_counts counts = sandbox_stop(&child);
    cr_assert(counts.email == 1000 && counts.connections >= 20);
    sandbox_remove(&child);
}

static const char python_clients[] =
    "import sys, json, smtplib, http.client\n"
    "smtp, web, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]\n"
    "s = smtplib.SMTP('127.0.0.1', smtp)\n"
    "raw = 'Message-ID: <py@x>\\r\\nSubject: "
    "x\\r\\n\\r\\n.one\\r\\n..two\\r\\n.\\r\\nend\\r\\n'\n"
    "assert s.sendmail('a@b.c', ['d@e.f', 'g@h.i'], raw) == {}\n"
    "assert s.noop()[0] == 250 and s.verify('x')[0] == 252\n"
    "s.quit()\n"
    "lines = [json.loads(l) for l in open(folder + '/email.ndjson')]\n"
    "assert [l['to'] for l in lines] == ['d@e.f', 'g@h.i'], lines\n"
    "assert all(l['raw'] == raw and l['id'] == 'py@x' and l['from'] == 'a@b.c' for l in "
    "lines)\n"
    "h = http.client.HTTPConnection('127.0.0.1', web)\n"
    "path = '/2010-04-01/Accounts/AC9/Messages.json'\n"
    "auth = {'Authorization': 'Basic eDp5'}\n"
    "def post(body, headers=auth):\n"
    "    h.request('POST', path, body, headers)\n"
    "    r = h.getresponse()\n"
    "    return r.status, json.loads(r.read())\n"
    "to, sender = 'To=%2B390000001', 'From=%2B15005550006'\n"
    "assert post('Body=x&' + to + '&' + sender, {})[1]['code'] == 20003\n"
    "for code, body in [(21604, sender + '&Body=x'), (21603, to + '&Body=x'),\n"
    "                   (21602, to + '&' + sender),\n"
    "                   (21617, to + '&' + sender + '&Body=' + '%C3%A8' * 1601),\n"
    "                   (21211, 'To=12345678&' + sender + '&Body=x')]:\n"
    "    status, error = post(body)\n"
    "    assert (status, error['code'], error['status']) == (400, code, 400), (status, "
    "error)\n"
    "for text, segments in [('%C3%A8' * 160, '1'), ('%C3%A8' * 161, '2'), ('%E4%B8%AD' * "
    "71, '2'),\n"
    "                       ('%5D' * 80, '1'), ('%5D' * 153, '3'), ('%F0%9F%98%80' * 36, "
    "'2')]:\n"
    "    status, m = post(to + '&' + sender + '&Body=' + text)\n"
    "    assert status == 201 and m['num_segments'] == segments, (text, m)\n"
    "    assert m['sid'][:2] == 'SM' and len(m['sid']) == 34 and m['status'] == "
    "'queued'\n"
    "    assert m['account_sid'] == 'AC9' and m['to'] == '+390000001'\n"
    "def get(url):\n"
    "    h.request('GET', url, headers=auth)\n"
    "    return json.loads(h.getresponse().read())\n"
    "page = get(path + '?To=%2B390000001&PageSize=4')\n"
    "assert [m['sid'] for m in page['messages']][0] == m['sid'] and "
    "len(page['messages']) == 4\n"
    "rest = get(page['next_page_uri'])\n"
    "assert len(rest['messages']) == 2 and rest['next_page_uri'] is None\n"
    "assert rest['messages'][-1]['body'] == '\\xe8' * 160\n"
    "assert get(path + '?To=%2B39')['messages'] == []\n"
    "h.request('POST', '/webhook', iter([b'{\"to\":', b'\"\\\\u00e8\"}']), "
    "{'Idempotency-Key': 'k1'})\n"
    "r = h.getresponse()\n"
    "assert r.status == 200 and json.loads(r.read()) == {'id': 'k1'}\n"
    "h.request('GET', '/push')\n"
    "assert h.getresponse().read() and h.sock\n"
    "push = json.loads(open(folder + '/push.ndjson').readline())\n"
    "assert push['id'] == 'k1' and push['to'] == '\\xe8', push\n";

Test(sandbox_clients, python_is_answered_as_documented)
{
    struct sandbox_child child = {0};
    start(&child, "python3");
    char path[128], command[256];
    snprintf(path, sizeof(path), "%s/client.py", child.dir);
    struct error err = {0};
    cr_assert_eq(file_write(path, text_of(python_clients), &err), 0, "%s", err.text);
    snprintf(command, sizeof(command), "python3 %s %u %u %s", path, child.smtp_port,
             child.http_port, child.dir);
    cr_assert_eq(system(command), 0);
    sandbox_stop(&child);
    sandbox_remove(&child);
}

Test(sandbox_clients, curl_waits_for_continue)
{
    struct sandbox_child child = {0};
    start(&child, "curl");
    char command[256];
    snprintf(
        command, sizeof(command),
        "head -c 900000 /dev/zero | tr '\\0' x | curl -sf --expect100-timeout 4 -m 3 "
        "-H 'Expect: 100-continue' --data-binary @- http://%s/inapp -o /dev/null",
        child.http);
    cr_assert_eq(system(command), 0);
    struct buffer push = box(&child, "push.ndjson");
    cr_assert_gt(push.bytes, 1800000);
    buffer_fini(&push);
    cr_assert_eq(sandbox_stop(&child).push, 1);
    sandbox_remove(&child);
}
