/* submission: see submission.h. */
#include "cli/submission.h"

#include "engine/jobs/daemon.h"
#include "ingest/spool.h"

#include <stdio.h>

int submission_make(const struct verb_context *context, struct text id,
                    struct text content, struct error *err)
{
    char name[160];
    snprintf(name, sizeof(name), "%.*s.json", TEXT_ARGS(id));
    int rc = spool_submit(context->home, name, content, err);
    if (rc == 0 && context->json)
        verb_print_json(json_pack("{s:s}", "submitted", name));
    else if (rc == 0)
        printf("%s is in the spool; %s\n", name,
               daemon_serves(context->home)
                   ? "`volley jobs` shows how it stands"
                   : "no `volley serve` runs in this home, so it waits there for one");
    return rc;
}
