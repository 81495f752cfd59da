/* fcm_account: see fcm_account.h. */
#include "outbox/providers/fcm_account.h"

#include "outbox/http/http.h"

#include <jansson.h>
#include <stdlib.h>

/* Google's, where the file names none. */
#define TOKEN_URI "https://oauth2.googleapis.com/token"

/* A heap copy of a string member, "" without one. */
static char *copy_member(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return text_copy(text_of(value ? value : ""));
}

/* A project's id goes into a URL. */
static bool is_project_id(const char *id)
{
    return id[0] &&
           id[strspn(id,
                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
                     ":")] == '\0';
}

static int read_members(const json_t *root, struct fcm_account *out, struct error *err)
{
    static const char *const required[] = {"project_id", "client_email", "private_key"};
    for (size_t i = 0; i < ARRAY_COUNT(required); i++) {
        if (json_string_length(json_object_get(root, required[i])) == 0)
            return error_set(
                err, ERROR_CONFIG,
                "\"%s\" is missing; is it the file of a service account, as "
                "\"Generate new private key\" in the Firebase console gives?",
                required[i]);
    }
    out->project_id = copy_member(root, "project_id");
    out->client_email = copy_member(root, "client_email");
    out->private_key_id = copy_member(root, "private_key_id");
    out->token_uri = copy_member(root, "token_uri");
    if (out->token_uri[0] == '\0') {
        free(out->token_uri);
        out->token_uri = text_copy(TEXT(TOKEN_URI));
    }
    if (!is_project_id(out->project_id))
        return error_set(err, ERROR_CONFIG, "\"project_id\" is no project's id");
    if (!http_url_ok(text_of(out->token_uri)))
        return error_set(err, ERROR_CONFIG,
                         "\"token_uri\" is not of the form https://HOST/PATH");
    const json_t *pem = json_object_get(root, "private_key");
    struct text key = {json_string_value(pem), json_string_length(pem)};
    int rc = jwt_key_parse(key, JWT_RS256, &out->key, err);
    if (rc)
        error_prefix(err, "\"private_key\": ");
    return rc;
}

int fcm_account_parse(struct text json, struct fcm_account *out, struct error *err)
{
    *out = (struct fcm_account){0};
    json_t *root =
        json_loadb(json.data ? json.data : "", json.bytes, JSON_REJECT_DUPLICATES, NULL);
    int rc = root ? read_members(root, out, err)
                  : error_set(err, ERROR_CONFIG, "it is not JSON");
    json_decref(root);
    return rc;
}

void fcm_account_fini(struct fcm_account *account)
{
    free(account->project_id);
    free(account->client_email);
    free(account->private_key_id);
    free(account->token_uri);
    jwt_key_free(&account->key);
    *account = (struct fcm_account){0};
}
