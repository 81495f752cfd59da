/* sandbox: the providers' side on loopback, for demos, tests and benchmarks.
 *
 * SMTP, and HTTP endpoints: POST /2010-04-01/Accounts/{sid}/Messages.json as Twilio answers it (and
 * GET to list), anything else under /push, /inapp and /webhook as a webhook receiver. Every accepted
 * message is one line of DIR/{email,sms,push}.ndjson, written before the reply (DESIGN 4.8). */
#ifndef OUTBOX_SANDBOX_H
#define OUTBOX_SANDBOX_H

#include "base/error.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct sandbox_config {
    const char *listen_smtp; /* "127.0.0.1:2525", NULL: not served */
    const char *listen_http;
    const char *dir; /* NULL with discard */
    int64_t latency_ns;
    double error_rate;     /* 0 … 1: answers 500 / 451 instead */
    double throttle_per_s; /* 0: none; above it answers 429 / 421 */
    double drop_replies;   /* 0 … 1: accepts, then closes without a reply */
    bool discard;          /* count, keep nothing */
    bool no_chunking;      /* is not offered by SMTP */
    uint64_t seed;
};

struct sandbox_counts {
    uint64_t email, sms, push, errors, throttled, dropped, connections;
};

/* sandbox_run: serve until *stop becomes true (checked at least every 100 ms; a signal handler may
 * set it). ready_fn is called once both ports listen.
 * Errors: ERROR_USAGE for an address, ERROR_IO for a port in use or a folder that cannot be written. */
int sandbox_run(const struct sandbox_config *config, void (*ready_fn)(void *arg),
                void *arg, const volatile sig_atomic_t *stop,
                struct sandbox_counts *counts_out, struct error *err) MUST_USE;

#endif
