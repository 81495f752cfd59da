/* check: see check.h. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "volley: bug: %s does not hold (%s:%d); please report it\n",
            condition, file, line);
    abort();
}
