/* receipt_lines: see receipt_lines.h. */
#include "engine/jobs/receipt_lines.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>

#define LINE_BYTES_MAX ((size_t)4 << 20)

static void on_receipt(void *arg, const struct receipt *receipt)
{
    struct receipt_lines *lines = arg;
    if (lines->rc == 0)
        lines->rc = receipts_add(lines->receipts, receipt, lines->err);
}

static void refuse(struct receipt_lines *lines, const char *name, uint64_t line,
                   const char *why)
{
    lines->refused++;
    if (lines->refuse_fn)
        lines->refuse_fn(lines->arg, name, line, why);
}

static int read_line(struct receipt_lines *lines, const char *name, uint64_t number,
                     struct text line, struct error *err)
{
    struct error why;
    int count =
        receipt_parse(line, receipts_arena(lines->receipts), on_receipt, lines, &why);
    if (count < 0)
        refuse(lines, name, number, why.text);
    lines->ignored += count == 0;
    return lines->rc ? lines->rc : receipts_settle(lines->receipts, false, err);
}

int receipt_lines_read(struct receipt_lines *lines, FILE *file, const char *name,
                       struct error *err)
{
    char *line = NULL;
    size_t room = 0;
    uint64_t number = 0;
    ssize_t bytes;
    int rc = 0;
    lines->err = err;
    while (rc == 0 && !(lines->stop_fn && lines->stop_fn(lines->arg)) &&
           (bytes = getline(&line, &room, file)) > 0) {
        number++;
        if ((size_t)bytes > LINE_BYTES_MAX)
            refuse(lines, name, number, "the line is longer than 4 MiB");
        else
            rc = read_line(lines, name, number, (struct text){line, (size_t)bytes}, err);
    }
    if (rc == 0 && ferror(file))
        rc = error_io(err, "cannot read %s", name);
    free(line);
    return rc;
}

int receipt_lines_mail(struct receipt_lines *lines, const char *path, struct error *err)
{
    struct buffer mail = {0};
    struct receipt receipt;
    int rc = file_read(path, RECEIPT_MAIL_BYTES_MAX, &mail, err);
    if (rc == 0 && receipt_parse_mail(buffer_view(&mail), receipts_arena(lines->receipts),
                                      &receipt) == 1)
        rc = receipts_add(lines->receipts, &receipt, err);
    else
        lines->ignored += rc == 0;
    buffer_fini(&mail);
    return rc ? rc : receipts_settle(lines->receipts, false, err);
}
