/* compose_row: what one customer's row gives to a text: the values of variables, the language, the
 * rendered parts. */
#include "engine/pipeline/compose_private.h"
#include "render/template/format.h"

#include <sched.h>

/* How many rows a worker composes before it lets others on its processor: well below a millisecond's
 * work. The I/O thread has little to do at a time, but where it shares a processor with workers and
 * waits for the end of their time slices, its connections run dry meanwhile: measured with both on
 * one, into smtp-sink, the server stood still for an eighth of the time. */
#define ROWS_AT_A_TIME 64

struct text compose_row_unsubscribe(const struct compose *c, struct text customer,
                                    struct arena *arena)
{
    const struct job *job = c->job;
    struct text token = unsubscribe_token(&c->signer, job->file.category, job->account.id,
                                          customer, arena);
    return arena_join(arena, text_of(job->config->public_url), TEXT("/u/"), token);
}

struct compose_row compose_row_open(struct compose *c, struct batch *batch,
                                    uint32_t number)
{
    if (++c->rows % ROWS_AT_A_TIME == 0)
        sched_yield();
    return (struct compose_row){
        .batch = batch,
        .arena = &batch->arena,
        .at = batch->chunk.first + number,
        .number = number,
        .customer = job_customer(c->job, &batch->chunk, number, &batch->arena)};
}

static struct text case_value(const struct compose *c, struct compose_row *row, size_t v,
                              size_t language)
{
    struct text chosen_by =
        format_value(&row->batch->chunk.columns[c->job->bindings[v].column], row->at,
                     c->job->zone, row->arena);
    return template_set_case(c->job->templates, v, language, chosen_by);
}

static struct text value_of(const struct compose *c, struct compose_row *row, size_t v,
                            size_t language)
{
    const struct job_binding *binding = &c->job->bindings[v];
    struct arena *arena = row->arena;
    switch (binding->kind) {
    case JOB_BIND_VAR:
    case JOB_BIND_ACCOUNT:
        return binding->value;
    case JOB_BIND_UNSUBSCRIBE:
        if (!row->unsubscribe.data)
            row->unsubscribe = compose_row_unsubscribe(c, row->customer, arena);
        return row->unsubscribe;
    case JOB_BIND_CASE:
        return case_value(c, row, v, language);
    case JOB_BIND_COLUMN:
        return format_value(&row->batch->chunk.columns[binding->column], row->at,
                            c->job->zone, arena);
    default:
        return TEXT_NONE;
    }
}

bool *compose_row_uses(const struct compose *c, size_t language, enum channel channel)
{
    return c->uses + (language * CHANNEL_COUNT + channel) * c->job->binding_count;
}

/* compose_row_gather: those that the channel's parts use; a signed link costs more than an SMS. */
void compose_row_gather(struct compose *c, struct compose_row *row, size_t language,
                        enum channel channel)
{
    const bool *uses = compose_row_uses(c, language, channel);
    for (size_t v = 0; v < c->job->binding_count; v++) {
        if (uses[v])
            c->values[v] = value_of(c, row, v, language);
    }
}

struct text compose_row_column(const struct compose *c, const struct compose_row *row,
                               enum snapshot_role role)
{
    const struct column *column = job_column(c->job, &row->batch->chunk, role);
    return column ? column_text(column, row->at) : TEXT_NONE;
}

size_t compose_row_language(const struct compose *c, const struct compose_row *row,
                            enum channel channel)
{
    int own = template_set_language(c->job->templates,
                                    compose_row_column(c, row, SNAPSHOT_LOCALE));
    return own >= 0 && template_set_serves(c->job->templates, (size_t)own, channel)
               ? (size_t)own
               : c->job->language;
}

struct text compose_row_part(struct compose *c, struct compose_row *row, size_t language,
                             enum template_part part)
{
    const struct template *template =
        template_set_part(c->job->templates, language, part);
    struct text out = TEXT_NONE;
    if (template)
        template_render(template, c->values, row->arena, &out);
    return out;
}
