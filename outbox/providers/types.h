/* types: the provider types there are, for the table in provider.c. */
#ifndef OUTBOX_TYPES_H
#define OUTBOX_TYPES_H

#include "outbox/dispatch/provider.h"

extern const struct provider_type provider_fcm;
extern const struct provider_type provider_http_api;
extern const struct provider_type provider_relay;
extern const struct provider_type provider_sendgrid;
extern const struct provider_type provider_ses;
extern const struct provider_type provider_twilio;
extern const struct provider_type provider_webhook;

#endif
