/* text_type: what type the texts of a column have, and one text as a value of a type. */
#ifndef INGEST_TEXT_TYPE_H
#define INGEST_TEXT_TYPE_H

#include "base/column.h"

struct text_type {
    enum column_type type; /* BOOL, INT64, FLOAT64, DATE32, TIMESTAMP or UTF8 */
    enum column_unit unit; /* timestamp */
    bool utc;              /* timestamp: instants, else wall-clock times */
    bool phone;            /* utf8: a phone number, to be normalised */
};

/* text_type_parse: a type by its name: bool, int64, float64, date32, utf8, phone,
 * timestamp[s|ms|us|ns] and timestamp[s|ms|us|ns, UTC]. Returns 0, or -1. */
int text_type_parse(struct text name, struct text_type *out);
#define TEXT_TYPE_NAMES                                                                  \
    "bool, int64, float64, date32, timestamp[us], timestamp[us, UTC], utf8 and phone"

/* text_type_name: as text_type_parse takes it. */
const char *text_type_name(struct text_type type);

/* text_type_integer, text_type_real: t as a value of a type: bool (also 1 and 0), int64,
 * date32 in days, timestamp in its unit; float64. Returns 0, or -1 when t is none. */
int text_type_integer(struct text_type type, struct text t, int64_t *out);
int text_type_real(struct text t, double *out);

/* text_type_fits: t is a value of the type. */
bool text_type_fits(struct text_type type, struct text t);

/* A guess over all the texts of a column: start with text_guess_any, add each text that
 * is not empty, ask for the type. The narrowest of bool, int64, float64, date32,
 * timestamp[us] that holds every text without losing anything (leading zeros, `+`,
 * digits); else utf8. */
struct text_guess {
    unsigned candidates;
    bool any; /* a text was added */
};

struct text_guess text_guess_any(void);
void text_guess_add(struct text_guess *guess, struct text t);
struct text_type text_guess_type(const struct text_guess *guess);

#endif
