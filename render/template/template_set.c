/* template_set: see template_set.h. */
#include "render/template/template_set_private.h"

#include <stdlib.h>

struct language *template_set_find(struct template_set *set, struct text name)
{
    for (size_t i = 0; i < set->language_count; i++) {
        if (text_equal_nocase(text_of(set->languages[i].name), name))
            return &set->languages[i];
    }
    return NULL;
}

void template_set_close(struct template_set **set)
{
    if (!*set)
        return;
    for (size_t i = 0; i < (*set)->language_count; i++) {
        for (size_t p = 0; p < PART_COUNT; p++)
            template_destroy(&(*set)->languages[i].parts[p]);
    }
    variable_list_fini(&(*set)->list);
    yaml_destroy(&(*set)->yaml);
    free(*set);
    *set = NULL;
}

int template_set_category(const struct template_set *set)
{
    return set->category;
}

const struct template_variable *template_set_variables(const struct template_set *set,
                                                       size_t *count_out)
{
    *count_out = set->list.count;
    return set->list.variables;
}

struct text template_set_case_column(const struct template_set *set, size_t v)
{
    CHECK(v < set->list.count);
    return variable_list_column(&set->list, v);
}

struct text template_set_case(const struct template_set *set, size_t v, size_t language,
                              struct text value)
{
    CHECK(v < set->list.count && language < set->language_count);
    return variable_list_case(&set->list, v, text_of(set->languages[language].name),
                              value);
}

size_t template_set_languages(const struct template_set *set)
{
    return set->language_count;
}

const char *template_set_language_name(const struct template_set *set, size_t language)
{
    CHECK(language < set->language_count);
    return set->languages[language].name;
}

int template_set_language(const struct template_set *set, struct text locale)
{
    char name[TEMPLATE_LANGUAGE_BYTES + 1];
    struct text t = locale;
    for (size_t i = 0; i < t.bytes; i++) {
        if (t.data[i] == '.' || t.data[i] == '@') /* it_IT.UTF-8@euro */
            t.bytes = i;
    }
    if (!template_language_name(t, name))
        return -1;
    for (struct text wanted = text_of(name);; wanted.bytes = strcspn(name, "-")) {
        for (size_t i = 0; i < set->language_count; i++) {
            if (text_equal_nocase(text_of(set->languages[i].name), wanted))
                return (int)i;
        }
        if (wanted.bytes == strcspn(name, "-"))
            return -1;
    }
}

const struct template *template_set_part(const struct template_set *set, size_t language,
                                         enum template_part part)
{
    CHECK(language < set->language_count && part < PART_COUNT);
    /* cppcheck-suppress CastIntegerToAddressAtReturn ; it is a pointer */
    return set->languages[language].parts[part];
}

bool template_set_serves(const struct template_set *set, size_t language,
                         enum channel channel)
{
    CHECK(language < set->language_count);
    struct template *const *part = set->languages[language].parts;
    switch (channel) {
    case CHANNEL_SMS:
        return part[PART_SMS];
    case CHANNEL_EMAIL:
        return part[PART_EMAIL_HTML] || part[PART_EMAIL_TEXT];
    case CHANNEL_PUSH:
        return part[PART_PUSH];
    case CHANNEL_INAPP:
        return part[PART_INAPP];
    default:
        return false;
    }
}
