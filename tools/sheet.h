/* sheet: a CSV file written cell by cell (RFC 4180), through one buffer. Each cell is
 * followed by a comma; the end of the row turns the last one into a newline. It is code
 * of one tool, so it stands in a header; what cannot be written ends the program. */
#ifndef TOOLS_SHEET_H
#define TOOLS_SHEET_H

#include "base/check.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SHEET_BYTES ((size_t)1 << 18)
#define CELL_BYTES  ((size_t)1024) /* no cell is longer, with every quote doubled */

struct sheet {
    const char *name;
    int fd;
    size_t used;
    char bytes[SHEET_BYTES];
};

static void sheet_die(const char *what)
{
    fprintf(stderr, "cannot write %s: %s\n", what, strerror(errno));
    exit(74);
}

static void sheet_flush(struct sheet *sheet)
{
    for (size_t done = 0; done < sheet->used;) {
        ssize_t n = write(sheet->fd, sheet->bytes + done, sheet->used - done);
        if (n < 0)
            sheet_die(sheet->name);
        done += (size_t)n;
    }
    sheet->used = 0;
}

static void sheet_open(struct sheet *sheet, const char *dir, const char *name,
                       const char *header)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    sheet->name = name;
    sheet->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (sheet->fd < 0)
        sheet_die(path);
    sheet->used = (size_t)snprintf(sheet->bytes, SHEET_BYTES, "%s\n", header);
}

static void sheet_close(struct sheet *sheet)
{
    sheet_flush(sheet);
    if (close(sheet->fd))
        sheet_die(sheet->name);
}

static char *sheet_room(struct sheet *sheet)
{
    if (sheet->used + CELL_BYTES > SHEET_BYTES)
        sheet_flush(sheet);
    return sheet->bytes + sheet->used;
}

static void sheet_took(struct sheet *sheet, char *end)
{
    *end++ = ',';
    sheet->used = (size_t)(end - sheet->bytes);
}

static void row_end(struct sheet *sheet)
{
    sheet->bytes[sheet->used - 1] = '\n';
}

static void cell(struct sheet *sheet, const char *text)
{
    char *at = sheet_room(sheet);
    size_t bytes = strlen(text);
    CHECK(2 * bytes + 3 < CELL_BYTES);
    if (strpbrk(text, ",\"\n")) { /* RFC 4180, 2.6 and 2.7 */
        *at++ = '"';
        for (; *text; text++) {
            if (*text == '"')
                *at++ = '"';
            *at++ = *text;
        }
        *at++ = '"';
    } else {
        memcpy(at, text, bytes);
        at += bytes;
    }
    sheet_took(sheet, at);
}

static char *digits(char *at, uint64_t value, int width)
{
    char reversed[20];
    int n = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
    } while ((value /= 10) > 0);
    for (; width > n; width--)
        *at++ = '0';
    while (n > 0)
        *at++ = reversed[--n];
    return at;
}

static void cell_number(struct sheet *sheet, uint64_t value)
{
    sheet_took(sheet, digits(sheet_room(sheet), value, 1));
}

static void cell_id(struct sheet *sheet, uint64_t number)
{
    char *at = sheet_room(sheet);
    *at++ = 'c';
    sheet_took(sheet, digits(at, number, 6));
}

static void cell_bool(struct sheet *sheet, bool value)
{
    cell(sheet, value ? "true" : "false");
}

static char *date(char *at, int64_t days)
{
    int64_t year;
    unsigned month, day;
    civil_from_days(days, &year, &month, &day);
    at = digits(at, (uint64_t)year, 4);
    *at++ = '-';
    at = digits(at, month, 2);
    *at++ = '-';
    return digits(at, day, 2);
}

static void cell_date(struct sheet *sheet, int64_t days)
{
    sheet_took(sheet, date(sheet_room(sheet), days));
}

static void cell_time(struct sheet *sheet, int64_t days, unsigned minutes)
{
    char *at = date(sheet_room(sheet), days);
    *at++ = 'T';
    at = digits(at, minutes / 60, 2);
    *at++ = ':';
    at = digits(at, minutes % 60, 2);
    memcpy(at, ":00Z", 4);
    sheet_took(sheet, at + 4);
}

#endif
