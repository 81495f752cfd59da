/* mail_driver: a mail's fields as a line of JSON on stdin → the message in base64 on
 * stdout. */
#include "render/mail/mime.h"

#include "render/mail/base64.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct text field(const json_t *request, const char *name)
{
    const json_t *value = json_object_get(request, name);
    return json_is_string(value)
               ? (struct text){json_string_value(value), json_string_length(value)}
               : TEXT_NONE;
}

int main(void)
{
    struct arena arena;
    char *line = NULL;
    size_t capacity = 0;
    CHECK(arena_init(&arena, 64 << 20, NULL) == 0);
    while (getline(&line, &capacity, stdin) > 0) {
        json_t *request = json_loads(line, JSON_ALLOW_NUL, NULL);
        CHECK(json_is_object(request));
        struct mime_mail mail = {
            .from_name = field(request, "from_name"),
            .from = field(request, "from"),
            .to_name = field(request, "to_name"),
            .to = field(request, "to"),
            .subject = field(request, "subject"),
            .text = field(request, "text"),
            .html = field(request, "html"),
            .message_id = field(request, "message_id"),
            .unsubscribe = field(request, "unsubscribe"),
            .date_ns =
                json_integer_value(json_object_get(request, "date_s")) * 1000000000,
        };
        struct text message;
        arena_reset(&arena);
        mime_compose(&mail, &arena, &message);
        char *encoded = malloc(BASE64_ROOM(message.bytes) + 1);
        char *end = base64_encode(encoded, message.data, message.bytes);
        printf("%.*s\n", (int)(end - encoded), encoded);
        free(encoded);
        json_decref(request);
    }
    free(line);
    arena_fini(&arena);
    return 0;
}
