/* Any bytes: a control file is either refused with a sentence, or it names a job. */
#include "ingest/control_file.h"

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct control_file file;
    struct error err = {0};
    int rc =
        control_file_parse((struct text){(const char *)data, bytes}, "fuzz", &file, &err);
    CHECK((rc == 0) == (err.text[0] == '\0'));
    CHECK(rc || (name_is_safe(text_of(file.job)) && file.wish < CONTROL_WISH_COUNT));
    return 0;
}
