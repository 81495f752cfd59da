/* address: what can be an email address or a phone number at all. Whether somebody reads
 * it there is the provider's to say; these checks keep out what would break a header, an
 * envelope or the comparison of two addresses. */
#ifndef ENGINE_ADDRESS_H
#define ENGINE_ADDRESS_H

#include "base/text.h"

#define ADDRESS_EMAIL_BYTES_MAX                                                          \
    254 /* RFC 5321, 4.5.3.1.3: a path of 256 with its brackets */

/* address_is_email: one @ with something on both sides, no blanks, control bytes or
 * brackets. */
bool address_is_email(struct text t);

/* address_is_phone: E.164: + and 7 to 15 digits, the first not 0. */
bool address_is_phone(struct text t);

/* address_of_mailbox: the address in `Name <address>`, or t itself; TEXT_NONE when it is
 * neither. */
struct text address_of_mailbox(struct text t);

#endif
