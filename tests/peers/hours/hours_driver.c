/* hours_driver: what hours_next says, a line of answers for each line of questions:
 * `ZONE NOW_S [quiet|only START_MIN END_MIN DAYS]...` gives `0|1 NEXT_S|never`. */
#include "base/hours.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool read_rule(char *line, int *at, struct hours *hours)
{
    char word[8];
    struct hours_rule rule;
    unsigned days;
    int used;
    if (sscanf(line + *at, "%7s %d %d %u%n", word, &rule.start_min, &rule.end_min, &days,
               &used) != 4)
        return false;
    rule.days = (uint8_t)days;
    rule.quiet = word[0] == 'q';
    hours_add(hours, &rule);
    *at += used;
    return true;
}

int main(void)
{
    char line[512], name[64], open_name[64] = "";
    struct tzif *zone = NULL;
    while (fgets(line, sizeof(line), stdin)) {
        struct hours hours = {0};
        struct error err;
        int64_t now_s;
        int at;
        if (sscanf(line, "%63s %" SCNd64 "%n", name, &now_s, &at) != 2)
            return 2;
        while (read_rule(line, &at, &hours))
            ;
        if (strcmp(name, open_name) != 0) {
            tzif_close(&zone);
            if (tzif_open(text_of(name), &zone, &err)) {
                fprintf(stderr, "%s\n", err.text);
                return 1;
            }
            snprintf(open_name, sizeof(open_name), "%s", name);
        }
        bool open;
        int64_t next = hours_next(&hours, zone, now_s, &open);
        if (next == HOURS_NEVER)
            printf("%d never\n", open);
        else
            printf("%d %" PRId64 "\n", open, next);
    }
    tzif_close(&zone);
    return 0;
}
