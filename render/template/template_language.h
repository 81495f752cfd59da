/* template_language: what names a language: "it", "pt-BR". */
#ifndef RENDER_TEMPLATE_LANGUAGE_H
#define RENDER_TEMPLATE_LANGUAGE_H

#include "base/error.h"
#include "base/text.h"

#define TEMPLATE_LANGUAGE_BYTES 16

/* template_language_name: "pt_BR" → "pt-BR"; two or three letters, then parts of letters and digits.
 * False for anything else. */
bool template_language_name(struct text t,
                            char out[TEMPLATE_LANGUAGE_BYTES + 1]) MUST_USE;

#endif
