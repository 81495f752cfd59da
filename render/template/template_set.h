/* template_set: a folder templates/<name>/ — every text of one message, per channel and
 * language.
 *
 * template.yaml holds category, variables, required and subject; a variable may have a
 * default, and cases: a text for each value of a customer's column (R25). partials/ holds
 * what ##{{> x}} takes in: x.<lang>.txt or x.txt in texts, x.<lang>.html or x.html in
 * HTML. docs/templates.md shows one. */
#ifndef RENDER_TEMPLATE_SET_H
#define RENDER_TEMPLATE_SET_H

#include "base/message.h"
#include "render/template/template.h"

enum template_part {
    PART_SMS,           /* sms.<lang>.txt */
    PART_EMAIL_SUBJECT, /* template.yaml subject: {<lang>: …} */
    PART_EMAIL_HTML,    /* email.<lang>.html */
    PART_EMAIL_TEXT,    /* email.<lang>.txt */
    PART_PUSH,          /* push.<lang>.txt */
    PART_INAPP,         /* inapp.<lang>.txt */
    PART_COUNT
};

struct template_set;

/* template_set_open: read and compile everything in dir.
 * Errors: ERROR_INPUT with file and line: a missing file or key, a bad language name, a
 * required variable that a part of the message lacks (for email one of html and text
 * suffices), an html or text email without subject. A note begins with its file and line.
 */
int template_set_open(const char *dir, template_note_fn *note_fn, void *arg,
                      struct template_set **out, struct error *err) MUST_USE;
void template_set_close(struct template_set **set);

/* template_set_category: -1 when template.yaml names none. */
int template_set_category(const struct template_set *set);
const struct template_variable *template_set_variables(const struct template_set *set,
                                                       size_t *count_out);

/* template_set_case_column: the column whose value decides variable v's text; TEXT_NONE
 * for most. */
struct text template_set_case_column(const struct template_set *set, size_t v);
/* template_set_case: variable v's text for a value of that column; TEXT_NONE where there
 * is no such case, so that the default is used. */
struct text template_set_case(const struct template_set *set, size_t v, size_t language,
                              struct text value);

size_t template_set_languages(const struct template_set *set);
const char *template_set_language_name(const struct template_set *set, size_t language);

/* template_set_language: the language for a customer's locale ("it", "it-IT",
 * "it_IT.UTF-8"): exact, then by its first part, or -1. */
int template_set_language(const struct template_set *set, struct text locale);

/* template_set_part: NULL when that language has no such part. */
const struct template *template_set_part(const struct template_set *set, size_t language,
                                         enum template_part part);
/* template_set_serves: the language has what the channel needs. */
bool template_set_serves(const struct template_set *set, size_t language,
                         enum channel channel);

#endif
