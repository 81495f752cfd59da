/* job_resend: what a job that sends the rest of another one takes over from it. */
#include "base/file.h"
#include "engine/job/job_private.h"

static bool outbox_of(const struct job_open *o, struct text id, const char *name,
                      char out[PATH_BYTES])
{
    int bytes =
        snprintf(out, PATH_BYTES, "%s/outbox/%.*s/%s", o->env->home, TEXT_ARGS(id), name);
    return bytes < PATH_BYTES && file_exists(out);
}

/* trace: the jobs whose messages a job sends once more, the last one first, and under which one's id
 * it makes its messages' ids. What may have arrived keeps its id, so that a provider that knows it takes
 * it once; what surely has not gets an id of its own, for some remember a refusal with the id. */
static void trace(struct job_open *o, const struct job_file *file, bool same_id)
{
    struct job *job = o->job;
    char path[PATH_BYTES];
    struct job_file other;
    struct buffer content = {0};
    if (same_id)
        job->message_job = arena_text(&job->arena, file->id);
    if (!file->resend.job.data || job->resent_count == RESENT_MAX)
        return;
    job->resent[job->resent_count++] = arena_text(&job->arena, file->resend.job);
    same_id = same_id && file->resend.only == RESEND_UNKNOWN;
    if (outbox_of(o, file->resend.job, "job.json", path) &&
        file_read(path, JOB_FILE_BYTES_MAX, &content, NULL) == 0 &&
        job_file_parse(buffer_view(&content), path, NULL, NULL, &other, NULL) == 0) {
        trace(o, &other, same_id);
        job_file_fini(&other);
    } else if (same_id) { /* its folder is gone, its id is not */
        job->message_job = job->resent[job->resent_count - 1];
    }
    buffer_fini(&content);
}

void job_open_resend(struct job_open *o)
{
    struct job *job = o->job;
    char dir[PATH_BYTES];
    struct error err;
    trace(o, &job->file, true);
    if (!job->file.resend.job.data)
        return;
    if (!outbox_of(o, job->file.resend.job, "", dir))
        job_problem(o, 0, "job \"%.*s\" has nothing left in outbox/ to resend",
                    TEXT_ARGS(job->file.resend.job));
    else if (resend_read(dir, o->env->config, job->file.resend.only, &job->resend, &err))
        job_adopt(o, &err, 0);
}
