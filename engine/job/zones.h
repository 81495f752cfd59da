/* zones: the time zones of a job's customers, each read from the system once. */
#ifndef ENGINE_ZONES_H
#define ENGINE_ZONES_H

#include "base/tzif.h"

struct zones;

/* Two entries that are the account's zone: of who has none, and of who has one that nobody knows. */
#define ZONES_NONE    0
#define ZONES_UNKNOWN 1

/* zones_create:
 * Owns: account is borrowed; the caller destroys what it gets. */
struct zones *zones_create(const struct tzif *account);
void zones_destroy(struct zones **zones);

/* zones_find: the number of a zone by its IANA name, for as long as zones live.
 * Threads: any. */
uint16_t zones_find(struct zones *zones, struct text name);

/* zones_get: a number's zone.
 * Threads: any that got the number from zones_find, or from a thread that did. */
const struct tzif *zones_get(const struct zones *zones, uint16_t number);

#endif
