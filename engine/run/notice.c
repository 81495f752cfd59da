/* notice: see notice.h. */
#include "engine/run/notice.h"

#include "base/clock.h"
#include "base/log.h"
#include "engine/pipeline/compose.h"
#include "render/mail/mime.h"

#include <inttypes.h>
#include <stdio.h>

static const struct wording {
    const char *language;
    const char *subject; /* %s: the month */
    const char *text;    /* %s name, %s month, PRIu64 limit, %s what to do */
    const char *upgrade; /* %s: where */
} wordings[] = {
    {"en", "Your SMS allowance for %s is used up",
     "Hello,\n\nall SMS segments of %s for %s (%" PRIu64
     ") have been used. From now on, messages go out as email instead of SMS.\n\n%s\n",
     "To go on with SMS this month, upgrade here: %s"},
    {"it", "Gli SMS di %s sono esauriti",
     "Buongiorno,\n\ntutti i segmenti SMS di %s per %s (%" PRIu64
     ") sono stati usati. Da ora i messaggi partono come email invece che come "
     "SMS.\n\n%s\n",
     "Per continuare con gli SMS questo mese: %s"},
    {"fr", "Votre forfait SMS de %s est épuisé",
     "Bonjour,\n\ntous les segments SMS de %s pour %s (%" PRIu64
     ") sont utilisés. Désormais les messages partent par e-mail au lieu de SMS.\n\n%s\n",
     "Pour continuer par SMS ce mois-ci : %s"},
    {"es", "Los SMS de %s se han agotado",
     "Hola:\n\nse han usado todos los segmentos SMS de %s para %s (%" PRIu64
     "). A partir de ahora los mensajes salen por correo en lugar de SMS.\n\n%s\n",
     "Para seguir con SMS este mes: %s"},
    {"de", "Ihr SMS-Kontingent für %s ist aufgebraucht",
     "Guten Tag,\n\nalle SMS-Segmente von %s für %s (%" PRIu64
     ") sind verbraucht. Ab jetzt gehen Nachrichten als E-Mail statt als SMS "
     "hinaus.\n\n%s\n",
     "Um diesen Monat weiter SMS zu senden: %s"},
};

static const struct wording *wording_for(struct text locale)
{
    for (size_t i = 0; i < ARRAY_COUNT(wordings); i++) {
        if (locale.bytes >= 2 && memcmp(locale.data, wordings[i].language, 2) == 0)
            return &wordings[i];
    }
    return &wordings[0];
}

/* said: an earlier run of this job has an outcome for it. */
static bool said(const struct replay *replay)
{
    return replay && replay->notice.outcome != OUTCOME_PENDING &&
           replay->notice.outcome != REPLAY_IN_DOUBT;
}

static void compose(const struct job *job, const struct quota *quota, struct batch *batch)
{
    const struct account *account = &job->account;
    const struct wording *words = wording_for(account->locale);
    struct arena *arena = &batch->arena;
    char name[256], url[1024], hex[MESSAGE_ID_HEX_BYTES + 1];
    snprintf(name, sizeof(name), "%.*s",
             TEXT_ARGS(account->name.bytes ? account->name : account->id));
    snprintf(url, sizeof(url), "%.*s", TEXT_ARGS(account->upgrade_url));
    struct text upgrade = url[0] ? arena_format(arena, words->upgrade, url) : TEXT("");
    struct hash128 id =
        message_id(account->id,
                   arena_format(arena, "notice-%s-%" PRIu64, quota->month, quota->limit),
                   TEXT("owner"), CHANNEL_EMAIL);
    message_id_hex(id, hex);
    const char *at = memchr(job->email_from.data, '@', job->email_from.bytes);
    struct mime_mail mail = {
        .from_name = job->email_from_name,
        .from = job->email_from,
        .to = account->owner_email,
        .subject = arena_format(arena, words->subject, quota->month),
        .text = arena_format(arena, words->text, name, quota->month, quota->limit,
                             upgrade.data),
        .message_id = arena_format(
            arena, "%s%.*s", hex,
            (int)(job->email_from.bytes - (size_t)(at - job->email_from.data)), at),
        .date_ns = clock_now_ns(),
    };
    struct outgoing *out = arena_zalloc(arena, sizeof(*out));
    CHECK(out != NULL);
    out->batch = batch;
    out->customer = TEXT("owner");
    out->delivery = (struct delivery){.channel = CHANNEL_EMAIL,
                                      .row = JOURNAL_ROW_NOTICE,
                                      .attempt = 1,
                                      .id = id,
                                      .from = job->email_from,
                                      .to = account->owner_email,
                                      .owner = out};
    compose_parts(&mail, arena, &out->delivery);
    out->delivery.plain = mime_compose(&mail, arena, &out->delivery.body);
    batch->outgoing = out;
    batch->outgoing_count = 1;
}

int notice_make(struct store *store, const struct job *job, const struct quota *quota,
                const struct replay *replay, struct batch **out, struct error *err)
{
    bool possible = mime_address_ok(job->account.owner_email) &&
                    mime_address_ok(job->email_from) &&
                    job->config->route_counts[CHANNEL_EMAIL] > 0;
    if (!quota->has_sms || said(replay))
        return 0;
    if (!possible) {
        log_warn("engine", "the owner cannot be told that the SMS allowance is used up",
                 "account=%.*s", TEXT_ARGS(job->account.id));
        return 0;
    }
    int claimed = store_notice_claim(store, job->account.id, text_of(quota->month),
                                     quota->limit, job->file.id, err);
    if (claimed <= 0)
        return claimed;
    int rc = batch_create(out, err);
    if (rc)
        return rc;
    compose(job, quota, *out);
    return 1;
}
