/* process: see process.h. */
#include "engine/process/process.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/config_check.h"
#include "engine/config_diff.h"
#include "engine/process/process_gauge.h"
#include "engine/process/run_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How often the file is written. */
#define WRITE_NS (500 * NS_PER_MS)
/* The most a process says of itself. */
#define FILE_BYTES_MAX ((size_t)16 << 20)

struct process {
    const char *home, *verb;
    char name[64];
    int lock_fd;
    char started[CLOCK_FORMAT_BYTES];
    int64_t written_ns;
    bool write_failed;
    struct config *config;
    struct config **earlier;
    size_t earlier_count;
    struct io_thread *io;
    struct process_gauge *gauge;
    uint64_t generation; /* of the last reload that was answered */
    json_t *answer;      /* {"ok","changes","reason"}; NULL: never asked */
};

/* --- the file --- */

static void write_file(struct process *p, struct run *const *runs, size_t count)
{
    char file[80], now[CLOCK_FORMAT_BYTES];
    struct error err;
    clock_format(clock_now_ns(), true, now);
    snprintf(file, sizeof(file), "%s.json", p->name);
    json_t *report = process_gauge_report(p->gauge, p->io, p->config, runs, count);
    json_t *all =
        json_pack("{s:I, s:s, s:s, s:s, s:I, s:O?}", "pid", (json_int_t)getpid(), "verb",
                  p->verb, "started", p->started, "updated", now, "generation",
                  (json_int_t)p->generation, "reload", p->answer);
    CHECK(report != NULL && all != NULL);
    json_object_update(all, report);
    json_decref(report);
    char *text = json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(6));
    CHECK(text != NULL);
    p->written_ns = clock_steady_ns();
    if (run_dir_write(p->home, file, text_of(text), &err) && !p->write_failed) {
        p->write_failed = true; /* once is enough: the messages matter more */
        log_warn("engine", "cannot say how it goes", "reason=\"%s\"", err.text);
    }
    free(text);
    json_decref(all);
}

/* --- reload --- */

/* when: what takes effect on what runs already. */
static const char *when(const char *key)
{
    size_t bytes = strlen(key), ending = strlen(".on_unknown");
    bool policy = bytes > ending && strcmp(key + bytes - ending, ".on_unknown") == 0;
    bool now = strncmp(key, "providers.", 10) == 0 || strncmp(key, "routes.", 7) == 0 ||
               strcmp(key, "max_message_rate") == 0;
    return now && !policy ? "now" : "next job";
}

static void add_change(void *arg, const char *path, const char *was, const char *is)
{
    json_array_append_new(arg, json_pack("{s:s, s:s, s:s, s:s}", "key", path, "was", was,
                                         "is", is, "when", when(path)));
}

static int take_config(struct process *p, struct config **fresh, struct error *err)
{
    int rc = config_load(p->home, fresh, err);
    if (rc == 0)
        rc = config_check(*fresh, NULL, NULL, err);
    if (rc == 0 && strcmp(p->verb, "serve") == 0 &&
        strcmp(p->config->listen, (*fresh)->listen) != 0)
        rc = error_set(err, ERROR_CONFIG,
                       "listen %s → %s: another address needs a restart",
                       p->config->listen, (*fresh)->listen);
    if (rc == 0 && p->io)
        rc = io_thread_reconfigure(p->io, *fresh, err);
    return rc;
}

static void reload(struct process *p, uint64_t generation)
{
    struct config *fresh = NULL;
    struct error err = {0};
    json_t *changes = json_array();
    int rc = take_config(p, &fresh, &err);
    if (rc == 0) {
        config_diff(p->config, fresh, add_change, changes);
        p->earlier = realloc(p->earlier, (p->earlier_count + 1) * sizeof(*p->earlier));
        CHECK(p->earlier != NULL);
        p->earlier[p->earlier_count++] = p->config;
        p->config = fresh;
    } else {
        config_destroy(&fresh);
    }
    json_decref(p->answer);
    p->answer = json_pack("{s:b, s:o, s:s}", "ok", rc == 0, "changes", changes, "reason",
                          err.text);
    p->generation = generation;
    char quoted[ERROR_TEXT_BYTES];
    if (rc)
        log_warn("engine", "volley.yaml not reloaded", "reason=%s",
                 log_quote(text_of(err.text), quoted, sizeof(quoted)));
    else
        log_info("engine", "volley.yaml reloaded", "changes=%zu",
                 json_array_size(json_object_get(p->answer, "changes")));
}

/* --- its life --- */

int process_open(const char *home, const char *verb, struct process **out,
                 struct error *err)
{
    char path[PATH_BYTES];
    struct process *p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    *p = (struct process){.home = home, .verb = verb, .lock_fd = -1};
    p->gauge = process_gauge_create();
    clock_format(clock_now_ns(), true, p->started);
    int rc = path_join(path, home, TEXT("volley.yaml"), err);
    if (rc == 0 && file_exists(path)) { /* else this is no home to leave files in */
        p->lock_fd = run_dir_claim(home, p->name, err);
        rc = p->lock_fd < 0 ? p->lock_fd : 0;
    }
    if (rc == 0) {
        p->generation = run_dir_generation(home);
        rc = config_load(home, &p->config, err);
    }
    if (rc) {
        process_close(&p);
        return rc;
    }
    write_file(p, NULL, 0);
    *out = p;
    return 0;
}

void process_close(struct process **process)
{
    struct process *p = *process;
    if (!p)
        return;
    if (p->lock_fd >= 0)
        run_dir_release(p->home, p->name, p->lock_fd);
    for (size_t i = 0; i < p->earlier_count; i++)
        config_destroy(&p->earlier[i]);
    free(p->earlier);
    config_destroy(&p->config);
    process_gauge_destroy(&p->gauge);
    json_decref(p->answer);
    free(p);
    *process = NULL;
}

const struct config *process_config(const struct process *process)
{
    return process->config;
}

void process_attach(struct process *process, struct io_thread *io)
{
    process->io = io;
}

void process_tick(struct process *p, struct run *const *runs, size_t count)
{
    uint64_t generation = run_dir_generation(p->home);
    if (p->io)
        process_gauge_look(p->gauge, io_thread_dispatch(p->io), p->config);
    bool asked = generation > p->generation;
    if (asked)
        reload(p, generation);
    if (asked || clock_steady_ns() - p->written_ns >= WRITE_NS)
        write_file(p, runs, count);
}

/* --- from outside --- */

struct listing {
    const char *home;
    json_t *list;
};

static json_t *read_one(const char *home, const char *name)
{
    char path[PATH_BYTES];
    struct buffer content = {0};
    json_t *said = NULL;
    if (snprintf(path, sizeof(path), "%s/run/%s.json", home, name) < PATH_BYTES &&
        file_read(path, FILE_BYTES_MAX, &content, NULL) == 0)
        said = json_loadb(content.data ? content.data : "", content.bytes, 0, NULL);
    buffer_fini(&content);
    if (json_is_object(said))
        return said;
    json_decref(said);
    return NULL;
}

static void list_one(void *arg, const char *name)
{
    struct listing *listing = arg;
    json_t *said = read_one(listing->home, name);
    if (!said) /* it has claimed its name and is about to say something */
        said = json_pack("{s:s, s:[], s:[]}", "verb", "starting", "providers", "jobs");
    json_object_set_new(said, "name", json_string(name));
    const char *started = json_string_value(json_object_get(said, "started"));
    size_t at = 0;
    for (; at < json_array_size(listing->list); at++) {
        const json_t *other = json_array_get(listing->list, at);
        const char *theirs = json_string_value(json_object_get(other, "started"));
        if (started && theirs && strcmp(started, theirs) < 0)
            break;
    }
    json_array_insert_new(listing->list, at, said);
}

int process_list(const char *home, json_t **out, struct error *err)
{
    struct listing listing = {home, json_array()};
    int rc = run_dir_each(home, list_one, &listing, err);
    if (rc)
        json_decref(listing.list);
    else
        *out = listing.list;
    return rc;
}

static int raise_generation(const char *home, uint64_t *out, struct error *err)
{
    char number[32];
    *out = run_dir_generation(home) + 1;
    snprintf(number, sizeof(number), "%llu\n", (unsigned long long)*out);
    return run_dir_write(home, "reload", text_of(number), err);
}

/* collect: the answers of all that live; false when one has not answered yet. One that was not there
 * when the number was raised has read volley.yaml since, and has nothing to answer. */
static bool collect(const json_t *list, uint64_t generation, json_t *answers)
{
    size_t index;
    json_t *one;
    json_array_foreach(list, index, one)
    {
        json_t *answered = json_object_get(one, "generation");
        json_t *answer = json_object_get(one, "reload");
        if (!answered || (uint64_t)json_integer_value(answered) < generation)
            return false;
        if (!json_is_object(answer))
            continue;
        json_t *copy = json_copy(answer);
        json_object_set(copy, "pid", json_object_get(one, "pid"));
        json_object_set(copy, "verb", json_object_get(one, "verb"));
        json_array_append_new(answers, copy);
    }
    return true;
}

static int wait_answers(const char *home, uint64_t generation, int64_t until_ns,
                        json_t **out, struct error *err)
{
    for (;;) {
        json_t *list, *answers = json_array();
        int rc = process_list(home, &list, err);
        bool all = rc == 0 && collect(list, generation, answers);
        if (rc == 0)
            json_decref(list);
        if (all) {
            *out = answers;
            return 0;
        }
        json_decref(answers);
        if (rc)
            return rc;
        if (clock_steady_ns() > until_ns)
            return error_set(err, ERROR_AGAIN,
                             "a process of %s does not answer; it takes the new "
                             "configuration as soon as it can",
                             home);
        usleep(20000);
    }
}

int process_reload(const char *home, int64_t wait_ns, json_t **out, struct error *err)
{
    uint64_t generation;
    int lock = run_dir_lock(home, err);
    if (lock < 0)
        return lock;
    int rc = raise_generation(home, &generation, err);
    if (rc == 0)
        rc = wait_answers(home, generation, clock_steady_ns() + wait_ns, out, err);
    close(lock);
    return rc;
}
