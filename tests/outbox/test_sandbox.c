#include "tests/outbox/sandbox_child.h"

#include "base/clock.h"

#define LETTER                                                                           \
    "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nMessage-ID: "                       \
    "<m%d@x>\r\n\r\nhi\r\n.\r\n"
#define TWILIO "/2010-04-01/Accounts/AC1/Messages.json"

static size_t count_of(const struct buffer *out, const char *what)
{
    size_t count = 0;
    for (const char *at = out->data; at && (at = strstr(at, what)); at++)
        count++;
    return count;
}

static void say_letters(int fd, int first, int count)
{
    struct buffer all = {0};
    for (int i = 0; i < count; i++)
        buffer_format(&all, LETTER, first + i);
    say(fd, all.data);
    buffer_fini(&all);
}

static void say_sms(int fd, int count, const char *key)
{
    static const char form[] = "To=%2B390000001&From=%2B15005550006&Body=Ciao+%C3%A8";
    for (int i = 0; i < count; i++) {
        struct buffer all = {0};
        buffer_format(&all,
                      "POST " TWILIO " HTTP/1.1\r\nAuthorization: Basic eDp5\r\n"
                      "%sContent-Length: %zu\r\n\r\n%s",
                      key, sizeof(form) - 1, form);
        say(fd, all.data);
        buffer_fini(&all);
    }
}

/* --- what is kept --- */

static void keeps(const char *kind)
{
    setenv("VOLLEY_LOOP", kind, 1);
    struct sandbox_child child = {0};
    sandbox_start(&child, (struct sandbox_config){0});
    struct buffer out = {0};
    int fd = dial(child.smtp_port);
    say(fd, "EHLO x\r\n");
    say_letters(fd, 7, 1);
    say(fd, "MAIL FROM:<>\r\nRCPT TO:<d@e>\r\nRCPT "
            "TO:<g@h>\r\nDATA\r\n..\xFF\"\r\n.\r\nQUIT\r\n");
    cr_assert_not(hear(fd, "", &out));
    cr_assert(strstr(out.data, "221 Bye\r\n"));
    close(fd);
    fd = dial(child.http_port);
    buffer_clear(&out);
    say_sms(fd, 1, "");
    say_sms(fd, 1, "Idempotency-Key: key-1\r\n");
    say(fd, "POST /push HTTP/1.1\r\nContent-Length: "
            "25\r\n\r\n{\"to\":\"tok\",\"body\":\"boo\"}");
    say(fd, "GET " TWILIO
            "?To=%2B390000001&PageSize=1 HTTP/1.1\r\nAuthorization: Basic eDp5\r\n"
            "Connection: close\r\n\r\n");
    cr_assert_not(hear(fd, "", &out));
    cr_assert_eq(count_of(&out, "HTTP/1.1 201 Created"), 2);
    cr_assert_eq(count_of(&out, "HTTP/1.1 200 OK"), 2);
    cr_assert_eq(count_of(&out, "\"next_page_uri\":\"" TWILIO
                                "?PageSize=1&Page=1&To=%2B390000001\""),
                 1);
    close(fd);
    struct sandbox_counts counts = sandbox_stop(&child);
    cr_assert(counts.email == 3 && counts.sms == 2 && counts.push == 1);
    struct buffer email = box(&child, "email.ndjson"), sms = box(&child, "sms.ndjson");
    static const char first[] =
        "{\"id\":\"m7@x\",\"from\":\"a@b.c\",\"to\":\"d@e.f\",\"raw\":"
        "\"Message-ID: <m7@x>\\r\\n\\r\\nhi\\r\\n\"}\n";
    cr_assert_eq(strncmp(email.data, first, sizeof(first) - 1), 0, "%s", email.data);
    cr_assert_eq(count_of(&email, "\"to\":\"d@e\",\"raw\":\".\\ufffd\\\"\\r\\n\"}"), 1);
    cr_assert_eq(count_of(&email, "\"to\":\"g@h\""), 1);
    cr_assert_eq(count_of(&sms, "\"body\":\"Ciao \xC3\xA8\""), 2);
    cr_assert_eq(count_of(&sms, "{\"id\":\"SM"), 1);
    cr_assert_eq(count_of(&sms, "{\"id\":\"key-1\""), 1);
    buffer_fini(&email);
    buffer_fini(&sms);
    buffer_fini(&out);
    sandbox_remove(&child);
}

Test(sandbox, keeps_what_it_took_uring)
{
    keeps("uring");
}

Test(sandbox, keeps_what_it_took_epoll)
{
    keeps("epoll");
}

/* However suddenly it dies, every reply that was seen has its line, and a new run goes
 * on. */
Test(sandbox, every_reply_has_its_line_after_a_kill)
{
    struct sandbox_child child = {0};
    sandbox_start(&child, (struct sandbox_config){0});
    struct buffer out = {0};
    int fd = dial(child.smtp_port);
    say(fd, "HELO x\r\n");
    for (int i = 0; i < 20; i++) {
        say_letters(fd, i * 100, 100);
        cr_assert(hear(fd, "354 ", &out));
    }
    kill(child.pid, SIGKILL);
    hear(fd, "", &out);
    close(fd);
    waitpid(child.pid, NULL, 0);
    /* each go-ahead but the first stands behind the reply to a message */
    size_t answers = count_of(&out, "\r\n250 OK\r\n250 OK\r\n354 ");
    cr_assert_gt(answers, 1);
    size_t lines = box_lines(&child, "email.ndjson");
    cr_assert_geq(lines, answers - 1);
    close(child.pipe_fd);
    sandbox_start(&child, (struct sandbox_config){0});
    buffer_clear(&out);
    fd = dial(child.smtp_port);
    say(fd, "HELO x\r\n");
    say_letters(fd, 99999, 1);
    say(fd, "QUIT\r\n");
    hear(fd, "221 Bye", &out);
    close(fd);
    sandbox_stop(&child);
    cr_assert_eq(box_lines(&child, "email.ndjson"), lines + 1);
    buffer_fini(&out);
    sandbox_remove(&child);
}

/* --- faults --- */

Test(sandbox, latency_delays_and_keeps_the_order)
{
    struct sandbox_child child = {0};
    sandbox_start(&child,
                  (struct sandbox_config){.latency_ns = 30 * NS_PER_MS, .discard = true});
    struct buffer out = {0};
    int fd = dial(child.http_port);
    int64_t start_ns = clock_steady_ns();
    say(fd, "POST /push HTTP/1.1\r\nIdempotency-Key: one\r\nContent-Length: 0\r\n\r\n");
    usleep(10000);
    say(fd, "POST /push HTTP/1.1\r\nIdempotency-Key: two\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n");
    cr_assert(hear(fd, "one", &out));
    int64_t first_ns = clock_steady_ns() - start_ns;
    cr_assert_geq(first_ns, 30 * NS_PER_MS);
    cr_assert(hear(fd, "two", &out));
    cr_assert_lt(strstr(out.data, "one"), strstr(out.data, "two"));
    cr_assert_geq(clock_steady_ns() - start_ns, 40 * NS_PER_MS);
    cr_assert_not(hear(fd, "", &out));
    close(fd);
    sandbox_stop(&child);
    buffer_fini(&out);
    sandbox_remove(&child);
}

Test(sandbox, errors_come_at_their_rate)
{
    struct sandbox_child child = {0};
    sandbox_start(&child, (struct sandbox_config){.error_rate = 0.25, .seed = 7});
    struct buffer out = {0};
    int fd = dial(child.smtp_port);
    say(fd, "HELO x\r\n");
    say_letters(fd, 0, 1000);
    say(fd, "QUIT\r\n");
    cr_assert_not(hear(fd, "", &out));
    close(fd);
    size_t errors = count_of(&out, "451 ");
    cr_assert(errors > 180 && errors < 320, "%zu", errors);
    fd = dial(child.http_port);
    buffer_clear(&out);
    say_sms(fd, 100, "");
    shutdown(fd, SHUT_WR);
    cr_assert_not(hear(fd, "", &out));
    close(fd);
    size_t http_errors = count_of(&out, "\"code\":20500");
    cr_assert(http_errors > 5 && http_errors < 60, "%zu", http_errors);
    struct sandbox_counts counts = sandbox_stop(&child);
    cr_assert_eq(counts.errors, errors + http_errors);
    cr_assert_eq(counts.email, 1000 - errors);
    cr_assert_eq(box_lines(&child, "email.ndjson"), 1000 - errors);
    cr_assert_eq(box_lines(&child, "sms.ndjson"), 100 - http_errors);
    buffer_fini(&out);
    sandbox_remove(&child);
}

Test(sandbox, throttle_refuses_what_comes_too_fast)
{
    struct sandbox_child child = {0};
    sandbox_start(&child, (struct sandbox_config){.throttle_per_s = 100});
    struct buffer out = {0};
    int fd = dial(child.http_port);
    say_sms(fd, 100, "");
    shutdown(fd, SHUT_WR);
    cr_assert_not(hear(fd, "", &out));
    close(fd);
    size_t refused =
        count_of(&out, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n");
    cr_assert(refused > 50 && refused < 95, "%zu", refused);
    struct sandbox_counts counts = sandbox_stop(&child);
    cr_assert_eq(counts.throttled, refused);
    cr_assert_eq(box_lines(&child, "sms.ndjson"), 100 - refused);
    buffer_fini(&out);
    sandbox_remove(&child);
}

Test(sandbox, dropped_replies_are_kept_messages)
{
    struct sandbox_child child = {0};
    sandbox_start(&child, (struct sandbox_config){.drop_replies = 1});
    struct buffer out = {0};
    int fd = dial(child.smtp_port);
    say(fd, "HELO x\r\n");
    say_letters(fd, 0, 3);
    cr_assert_not(hear(fd, "", &out));
    close(fd);
    const char *last = strstr(out.data, "354 ");
    cr_assert(last && strcmp(strchr(last, '\n'), "\n") == 0, "%s", out.data);
    fd = dial(child.http_port);
    buffer_clear(&out);
    say_sms(fd, 1, "");
    cr_assert_not(hear(fd, "", &out));
    cr_assert_eq(out.bytes, 0);
    close(fd);
    struct sandbox_counts counts = sandbox_stop(&child);
    cr_assert(counts.dropped == 2 && counts.email == 1 && counts.sms == 1);
    cr_assert_eq(box_lines(&child, "email.ndjson"), 1);
    cr_assert_eq(box_lines(&child, "sms.ndjson"), 1);
    buffer_fini(&out);
    sandbox_remove(&child);
}

/* A client that writes and never reads is not read from without end. */
Test(sandbox, a_client_that_never_reads_is_paused)
{
    struct sandbox_child child = {0};
    sandbox_start(&child, (struct sandbox_config){.discard = true});
    int fd = dial(child.smtp_port);
    char help[6 * 4096];
    for (size_t i = 0; i < sizeof(help); i += 6)
        memcpy(help + i, "HELP\r\n", 6);
    size_t sent = 0;
    int idle = 0;
    while (idle < 20 && sent < (64u << 20)) {
        ssize_t put =
            send(fd, help + sent % 6, sizeof(help) - 6, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += put > 0 ? (size_t)put : 0;
        idle = put > 0 ? 0 : idle + 1;
        if (put < 0)
            usleep(10000);
    }
    cr_assert_lt(sent, 64u << 20, "the sandbox read on and on");
    struct buffer out = {0};
    shutdown(fd, SHUT_WR);
    cr_assert_not(hear(fd, "", &out));
    /* it was resumed: every command has its line, behind that of the greeting */
    cr_assert_eq(lines_of(buffer_view(&out)), 1 + sent / 6);
    close(fd);
    sandbox_stop(&child);
    buffer_fini(&out);
    sandbox_remove(&child);
}

/* --- what cannot start --- */

Test(sandbox, says_why_it_cannot_start)
{
    static const volatile sig_atomic_t stop = 1;
    struct sandbox_counts counts;
    struct error err = {0};
    struct sandbox_config config = {.listen_http = "nonsense", .discard = true};
    cr_assert_eq(sandbox_run(&config, NULL, NULL, &stop, &counts, &err), -ERROR_USAGE);
    cr_assert_str_eq(
        err.text, "nonsense is no address to listen at (write it like 127.0.0.1:2525)");
    struct sandbox_child child = {0};
    sandbox_start(&child, (struct sandbox_config){.discard = true});
    config.listen_http = child.http;
    cr_assert_eq(sandbox_run(&config, NULL, NULL, &stop, &counts, &err), -ERROR_IO);
    cr_assert(strstr(err.text, "Address already in use"), "%s", err.text);
    sandbox_stop(&child);
    config = (struct sandbox_config){.listen_http = child.http};
    cr_assert_eq(sandbox_run(&config, NULL, NULL, &stop, &counts, &err), -ERROR_USAGE);
    config.dir = "/dev/null/x";
    cr_assert_eq(sandbox_run(&config, NULL, NULL, &stop, &counts, &err), -ERROR_IO);
    sandbox_remove(&child);
}
