/* csv: see csv.h. RFC 4180, and what real exports do beyond it: other delimiters, a byte
 * order mark, bare LF, quotes in the middle of an unquoted field (taken as they stand).
 */
#include "ingest/import/csv.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* unquoted_end: the first delimiter or line feed at or behind `at`, or end. Fields are
 * short, so two calls of memchr per field cost more than 16 bytes at a time in line. */
static const char *unquoted_end(const char *at, const char *end, char delimiter)
{
#ifdef __SSE2__
    const __m128i delimiters = _mm_set1_epi8(delimiter), feeds = _mm_set1_epi8('\n');
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_or_si128(
            _mm_cmpeq_epi8(bytes, delimiters), _mm_cmpeq_epi8(bytes, feeds)));
        if (hits)
            return at + __builtin_ctz(hits);
    }
#endif
    while (at < end && *at != delimiter && *at != '\n')
        at++;
    return at;
}

static const char *line_end(const char *at, const char *end)
{
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed ? feed : end;
}

static struct text without_cr(const char *start, const char *end)
{
    if (end > start && end[-1] == '\r')
        end--;
    return (struct text){start, (size_t)(end - start)};
}

static char detect_delimiter(struct text content)
{
    const char candidates[] = {',', ';', '\t'};
    size_t counts[sizeof(candidates)] = {0}, best = 0;
    bool quoted = false;
    size_t limit =
        content.bytes < CSV_FIELD_BYTES_MAX ? content.bytes : CSV_FIELD_BYTES_MAX;
    for (size_t i = 0; i < limit && (quoted || content.data[i] != '\n'); i++) {
        quoted ^= content.data[i] == '"';
        for (size_t c = 0; c < sizeof(candidates) && !quoted; c++)
            counts[c] += content.data[i] == candidates[c];
    }
    for (size_t c = 1; c < sizeof(candidates); c++) {
        if (counts[c] > counts[best])
            best = c;
    }
    return candidates[best];
}

void csv_init(struct csv *csv, struct text content, char delimiter)
{
    if (content.bytes >= 3 && memcmp(content.data, "\xEF\xBB\xBF", 3) == 0)
        content = (struct text){content.data + 3, content.bytes - 3};
    if (!content.data)
        content = TEXT("");
    csv->content = content;
    csv->delimiter = delimiter ? delimiter : detect_delimiter(content);
    csv->at = content.data;
    csv->line = 1;
    csv->unquoted = (struct buffer){0};
}

void csv_fini(struct csv *csv)
{
    buffer_fini(&csv->unquoted);
}

void csv_seek(struct csv *csv, size_t offset, uint64_t line)
{
    CHECK(offset <= csv->content.bytes);
    csv->at = csv->content.data + offset;
    csv->line = line;
}

static uint64_t count_feeds(struct text t)
{
    uint64_t count = 0;
    const char *at = t.data, *end = t.data + t.bytes;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        count++;
        at++;
    }
    return count;
}

/* quoted_field: the field behind an opening quote; *at is moved behind the closing one.
 */
static const char *quoted_field(const char **at, const char *end, struct csv_field *out)
{
    const char *start = *at, *from = start;
    bool cut = (size_t)(end - start) > CSV_FIELD_BYTES_MAX;
    const char *limit = cut ? start + CSV_FIELD_BYTES_MAX : end;
    *out = (struct csv_field){.quoted = true};
    for (;;) {
        const char *quote = memchr(from, '"', (size_t)(limit - from));
        if (!quote)
            return cut ? "a field in quotes is longer than 1 MiB; is its closing quote "
                         "missing?"
                       : "the closing quote is missing";
        if (quote + 1 == end || quote[1] != '"') {
            out->text = (struct text){start, (size_t)(quote - start)};
            *at = quote + 1;
            return NULL;
        }
        out->doubled = true;
        from = quote + 2;
        if (from > limit)
            from = limit;
    }
}

/* undouble: rewrite the fields that have doubled quotes. One reservation for the row,
 * because growing the buffer would move the fields already in it. */
static void undouble(struct csv *csv, size_t count, size_t row_bytes)
{
    buffer_clear(&csv->unquoted);
    char *out = buffer_room(&csv->unquoted, row_bytes);
    for (size_t i = 0; i < count; i++) {
        struct text *field = &csv->fields[i].text;
        if (!csv->fields[i].doubled)
            continue;
        const char *from = field->data, *end = field->data + field->bytes;
        field->data = out;
        while (from < end) {
            const char *quote = memchr(from, '"', (size_t)(end - from));
            size_t bytes = (size_t)((quote ? quote + 1 : end) - from);
            memcpy(out, from, bytes);
            out += bytes;
            from += bytes + (quote != NULL);
        }
        field->bytes = (size_t)(out - field->data);
    }
}

/* end_row: the line end at `at` was reached; hand out what lies between start and at. */
static void end_row(struct csv *csv, const char *start, const char *at, size_t count,
                    bool doubled, struct csv_row *row)
{
    row->raw = without_cr(start, at);
    row->count = count;
    row->fields = csv->fields;
    if (doubled)
        undouble(csv, count, row->raw.bytes);
    csv->line++;
    csv->at = at < csv->content.data + csv->content.bytes ? at + 1 : at;
}

static void bad_row(struct csv *csv, const char *start, const char *problem,
                    struct csv_row *row)
{
    const char *end = csv->content.data + csv->content.bytes;
    csv->line = row->line;
    end_row(csv, start, line_end(start, end), 0, false, row);
    row->problem = problem;
}

/* read_row: fields from `at` to the end of the row. Returns NULL or the problem. */
static const char *read_row(struct csv *csv, const char *start, struct csv_row *row)
{
    const char *at = start, *end = csv->content.data + csv->content.bytes;
    bool doubled = false;
    for (size_t count = 0;;) {
        if (count == CSV_COLUMNS_MAX)
            return "more than 1024 fields";
        struct csv_field *field = &csv->fields[count++];
        if (at < end && *at == '"') {
            at++;
            const char *problem = quoted_field(&at, end, field);
            if (problem)
                return problem;
            doubled |= field->doubled;
            csv->line += count_feeds(field->text);
            if (at < end && *at == '\r' && (at + 1 == end || at[1] == '\n'))
                at++;
            if (at < end && *at != csv->delimiter && *at != '\n')
                return "text behind a closing quote; a quote inside a field is written "
                       "twice";
        } else {
            const char *field_end = unquoted_end(at, end, csv->delimiter);
            bool last = field_end == end || *field_end == '\n';
            struct text text = last ? without_cr(at, field_end)
                                    : (struct text){at, (size_t)(field_end - at)};
            *field = (struct csv_field){.text = text};
            at = field_end;
            if (text.bytes > CSV_FIELD_BYTES_MAX)
                return "a field is longer than 1 MiB";
        }
        if ((size_t)(at - start) > CSV_ROW_BYTES_MAX)
            return "the row is longer than 16 MiB";
        if (at == end || *at == '\n') {
            end_row(csv, start, at, count, doubled, row);
            return NULL;
        }
        at++;
    }
}

int csv_next(struct csv *csv, struct csv_row *row_out)
{
    const char *end = csv->content.data + csv->content.bytes;
    for (;;) {
        const char *feed = csv->at + (csv->at < end && *csv->at == '\r');
        if (feed == end) {
            csv->at = end;
            return 0;
        }
        if (*feed != '\n')
            break;
        csv->at = feed + 1;
        csv->line++;
    }
    const char *start = csv->at;
    *row_out = (struct csv_row){.offset = (size_t)(start - csv->content.data),
                                .line = csv->line};
    const char *problem = read_row(csv, start, row_out);
    if (problem)
        bad_row(csv, start, problem, row_out);
    return 1;
}

void csv_append_field(struct buffer *out, struct text field)
{
    bool quote = false;
    for (size_t i = 0; i < field.bytes && !quote; i++)
        quote = strchr(",\"\r\n", field.data[i]) && field.data[i];
    if (!quote) {
        buffer_text(out, field);
        return;
    }
    buffer_byte(out, '"');
    for (size_t i = 0; i < field.bytes; i++) {
        if (field.data[i] == '"')
            buffer_byte(out, '"');
        buffer_byte(out, field.data[i]);
    }
    buffer_byte(out, '"');
}
