/* verb_quota: an account's SMS segments this month. */
#include "base/clock.h"
#include "base/units.h"
#include "cli/verb.h"
#include "engine/state/quota.h"

#include <inttypes.h>
#include <stdio.h>

static const struct option_spec options[] = {
    {"add-pack", "SEGMENTS", "the account bought a pack"},
    {"tier", "NAME", "move the account to another tier"},
    VERB_COMMON};

static json_t *tiers_json(const struct config *config)
{
    json_t *tiers = json_object();
    for (size_t i = 0; i < config->tier_count; i++)
        json_object_set_new(tiers, config->tiers[i].name,
                            json_integer((json_int_t)config->tiers[i].segments));
    return tiers;
}

static void print(struct verb_context *context, const struct config *config,
                  const struct account *account, const struct quota *quota)
{
    uint64_t left = quota->limit > quota->used ? quota->limit - quota->used : 0;
    if (context->json) {
        verb_print_json(
            json_pack("{s:s%, s:s, s:s%, s:I, s:I, s:I, s:I, s:I, s:o}", "account",
                      account->id.data, account->id.bytes, "month", quota->month, "tier",
                      account->tier.data ? account->tier.data : "", account->tier.bytes,
                      "tier_segments", (json_int_t)quota->tier_segments, "pack_segments",
                      (json_int_t)quota->pack_segments, "limit", (json_int_t)quota->limit,
                      "used", (json_int_t)quota->used, "left", (json_int_t)left, "tiers",
                      tiers_json(config)));
        return;
    }
    printf("%.*s in %s: %" PRIu64 " of %" PRIu64 " segments used, %" PRIu64 " left\n",
           TEXT_ARGS(account->id), quota->month, quota->used, quota->limit, left);
    printf("  tier %.*s: %" PRIu64 ", packs: %" PRIu64 "\n", TEXT_ARGS(account->tier),
           quota->tier_segments, quota->pack_segments);
    for (size_t i = 0; i < config->tier_count; i++)
        printf("  on offer: %-12s %" PRIu64 " segments a month\n", config->tiers[i].name,
               config->tiers[i].segments);
}

static int change(struct verb_context *context, const struct config *config,
                  struct store *store, struct account *account, struct error *err)
{
    const char *pack = options_value(&context->options, "add-pack");
    const char *tier = options_value(&context->options, "tier");
    uint64_t segments;
    int rc = 0;
    if (pack && (units_count(text_of(pack), &segments) || segments == 0))
        return error_set(err, ERROR_USAGE, "--add-pack %s: write a number of segments",
                         pack);
    if (tier && !config_tier(config, text_of(tier)))
        return error_set(err, ERROR_USAGE, "tier \"%s\" is not in volley.yaml", tier);
    if (tier) {
        account->tier = text_of(tier);
        rc = account_put(store, account, err);
    }
    if (rc == 0 && pack)
        rc = quota_add_pack(store, account->id, segments, err);
    return rc;
}

static int run(struct verb_context *context)
{
    struct config *config = NULL;
    struct store *store = NULL;
    struct arena arena = {0};
    struct account account;
    struct quota quota;
    struct error err;
    int rc = verb_open(context, &config, &store, &err);
    if (rc == 0)
        rc = arena_init(&arena, (size_t)1 << 20, &err);
    if (rc == 0) {
        const char *id = context->options.arguments[0];
        int found = account_get(store, text_of(id), &arena, &account, &err);
        rc = found == 0  ? error_set(&err, ERROR_INPUT, "account \"%s\" is not known", id)
             : found < 0 ? found
                         : 0;
    }
    if (rc == 0)
        rc = change(context, config, store, &account, &err);
    if (rc == 0)
        rc = quota_read(store, config, &account, clock_now_ns(), &quota, &err);
    if (rc == 0)
        print(context, config, &account, &quota);
    arena_fini(&arena);
    if (store)
        store_close(&store);
    config_destroy(&config);
    return rc ? verb_fail(context, &err) : 0;
}

const struct verb verb_quota = {
    .name = "quota",
    .arguments = "ACCOUNT",
    .summary = "an account's SMS segments: tier, packs, used, left",
    .example = "volley quota studio\nvolley quota studio --add-pack 1000",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
