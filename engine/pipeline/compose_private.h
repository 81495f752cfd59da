/* compose_private: what the files that make texts share: a worker's memory, and the row at hand. */
#ifndef ENGINE_COMPOSE_PRIVATE_H
#define ENGINE_COMPOSE_PRIVATE_H

#include "engine/job/opening.h"
#include "engine/pipeline/compose.h"
#include "render/mail/mime.h"

struct compose {
    const struct job *job;
    struct opening *opening;     /* NULL: messages may go at any time */
    const struct spread *spread; /* NULL: they need not wait for a slot */
    struct text *values;         /* of one row, one per template variable */
    bool *uses;      /* [language][channel][variable]: some part of it has the variable */
    bool needs_mime; /* some provider of the email route takes ready messages */
    bool needs_parts;     /* some provider may take what these are made of */
    struct arena scratch; /* else that is made here, where it stays in the cache */
    struct arena fields;
    struct text from_field, date_field; /* of a mail; in fields */
    struct unsubscribe_signer signer;
    unsigned rows; /* opened so far */
};

/* One row being composed. */
struct compose_row {
    struct batch *batch;
    struct arena *arena; /* of its texts: the batch's, where a message has them */
    int64_t at;          /* within the record batch */
    uint32_t number;     /* within the chunk */
    struct text customer;
    struct text unsubscribe; /* made when first needed */
};

/* --- compose_row.c --- */

struct compose_row compose_row_open(struct compose *c, struct batch *batch,
                                    uint32_t number);
/* compose_row_uses: of each variable, whether the channel's parts use it. */
bool *compose_row_uses(const struct compose *c, size_t language, enum channel channel);
/* compose_row_gather: c->values of the variables that the channel's parts use, for compose_row_part. */
void compose_row_gather(struct compose *c, struct compose_row *row, size_t language,
                        enum channel channel);
struct text compose_row_column(const struct compose *c, const struct compose_row *row,
                               enum snapshot_role role);
/* compose_row_language: the customer's, where the template serves the channel in it. */
size_t compose_row_language(const struct compose *c, const struct compose_row *row,
                            enum channel channel);
/* compose_row_part: rendered with c->values; TEXT_NONE where the language has no such part. */
struct text compose_row_part(struct compose *c, struct compose_row *row, size_t language,
                             enum template_part part);
struct text compose_row_unsubscribe(const struct compose *c, struct text customer,
                                    struct arena *arena);

/* --- compose_sms.c --- */

struct text compose_sms_text(struct compose *c, struct compose_row *row);

/* --- compose_mail.c --- */

/* compose_mail: what the row's mail says; views into the row's arena and the chunk. */
void compose_mail(struct compose *c, struct compose_row *row, struct hash128 id,
                  struct mime_mail *mail);

#endif
