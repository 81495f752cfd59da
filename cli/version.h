/* version: what this program is made of: `volley --version`. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#include <stdbool.h>

/* version_print: to stdout. Returns the exit status. */
int version_print(bool json);

#endif
