/* process: a process that sends (`serve`, `send`, `resume`) as others see it in the home.
 *
 * <home>/run/<pid>.lock is locked (flock) as long as it lives; <home>/run/<pid>.json says
 * twice a second what it does. `volley reload` writes a higher number into
 * <home>/run/reload; every process looks at that file, reads volley.yaml again and says
 * in its own file what came of it. So there is no signal that could meet a process that
 * is just ending, or another one with its number. All on the control thread. */
#ifndef ENGINE_PROCESS_H
#define ENGINE_PROCESS_H

#include "engine/run/io_thread.h"
#include "engine/run/run.h"

#include <jansson.h>

struct process;

/* process_open: be seen, then read volley.yaml, in this order: a reload either sees this
 * process, or its change of volley.yaml is what is read here.
 * Errors: those of config_load; ERROR_IO */
int process_open(const char *home, const char *verb, struct process **out,
                 struct error *err) MUST_USE;

/* process_close: gone from the home. After io_thread_stop, which still uses the configuration. */
void process_close(struct process **process);

/* process_config: the one in force. Earlier ones live as long as the process: jobs that started with
 * them still use them. */
const struct config *process_config(const struct process *process);

/* process_attach: the thread whose providers are shown and told of new limits; NULL: none any more.
 */
void process_attach(struct process *process, struct io_thread *io);

/* process_tick: a few times a second: answer a reload, write the file when it is time. */
void process_tick(struct process *process, struct run *const *runs, size_t count);

/* --- from outside --- */

/* process_list: what all living processes of the home say, a JSON array in order of their
 * start. Files that dead ones left are removed.
 * Errors: ERROR_IO */
int process_list(const char *home, json_t **out, struct error *err) MUST_USE;

/* process_reload: ask all of them to read volley.yaml again and wait for their answers.
 * out gets an array of {"pid","verb","ok","changes":[{"key","was","is","when"}],"reason"}.
 * Errors: ERROR_AGAIN when one lives but does not answer in time; ERROR_IO */
int process_reload(const char *home, int64_t wait_ns, json_t **out,
                   struct error *err) MUST_USE;

#endif
