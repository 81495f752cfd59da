/* Any bytes: rows come in order, lie inside the content, and reading a row again by its
 * place gives the same row. The first byte chooses the delimiter. */
#include "ingest/import/csv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct csv csv, again;
    struct csv_row row, twin;
    if (bytes == 0)
        return 0;
    struct text content = {(const char *)data + 1, bytes - 1};
    csv_init(&csv, content, "\0,;\t"[data[0] % 4]);
    csv_init(&again, content, csv.delimiter);
    uint64_t line = 0;
    while (csv_next(&csv, &row)) {
        CHECK(row.line > line);
        line = row.line;
        CHECK(row.offset + row.raw.bytes <= csv.content.bytes);
        CHECK((row.problem == NULL) == (row.count > 0));
        csv_seek(&again, row.offset, row.line);
        CHECK(csv_next(&again, &twin) && twin.count == row.count);
        for (size_t i = 0; i < row.count; i++)
            CHECK(text_equal(row.fields[i].text, twin.fields[i].text));
    }
    csv_fini(&csv);
    csv_fini(&again);
    return 0;
}
