/* studio: one studio's data as its database would export it, for the demo and the
 * benchmarks.
 *
 *   studio DIR [--customers N] [--seed S] [--now RFC3339]
 *
 * writes customers.csv, its child tables and optouts.csv into DIR. Everything about a
 * customer follows from the seed, the time and the customer's number (a relative also
 * takes after the customer before), so the same call writes the same bytes and a larger
 * studio begins with the smaller one. Memory does not grow with N. */
#include "base/units.h"
#include "tools/sheet.h"
#include "tools/studio_people.h"

#include <inttypes.h>
#include <sys/stat.h>

/* --- dice ------------------------------------------------------------------ */

struct dice {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014): a counter and a finalizer, so every customer can
 * have dice of its own. */
static uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static unsigned dice_below(struct dice *dice, unsigned n)
{
    return (unsigned)(((dice_next(dice) >> 32) * n) >> 32);
}

static unsigned dice_between(struct dice *dice, unsigned low, unsigned high)
{
    return low + dice_below(dice, high - low + 1);
}

static bool dice_percent(struct dice *dice, unsigned percent)
{
    return dice_below(dice, 100) < percent;
}

/* --- people ---------------------------------------------------------------- */

enum activity { LAPSED, OCCASIONAL, REGULAR };

struct person {
    uint64_t number; /* from 1 */
    struct dice dice;
    const struct language *language;
    const char *first_name, *last_name;
    char email[128];
    char e164[24];  /* "" without a mobile phone */
    char phone[24]; /* as somebody typed it */
    enum activity activity;
};

static const struct language *pick_language(struct dice *dice)
{
    unsigned roll = dice_below(dice, 100);
    const struct language *language = languages;
    while (roll >= language->share)
        roll -= (language++)->share;
    return language;
}

/* ascii_name: what a mail provider makes of a name: "D'Angelo" is dangelo, "Müller"
 * muller, "Robert "Bob"" robert. */
static char *ascii_name(char *at, const char *name)
{
    /* U+00C0 to U+00FF */
    static const char folded[] = "aaaaaaaceeeeiiiidnooooo ouuuuyts"
                                 "aaaaaaaceeeeiiiidnooooo ouuuuyty";
    const char *end = name + strlen(name);
    while (name < end) {
        uint32_t c = utf8_next(&name, end);
        if (c == '"' || c == ',')
            break;
        if (c >= 0xC0 && c <= 0xFF)
            *at++ = folded[c - 0xC0];
        else if (c >= 'A' && c <= 'Z')
            *at++ = (char)(c + 32);
        else if (c >= 'a' && c <= 'z')
            *at++ = (char)c;
    }
    return at;
}

static void make_email(struct person *p)
{
    char *at = ascii_name(p->email, p->first_name);
    *at++ = '.';
    at = ascii_name(at, p->last_name);
    *at++ = '.';
    at = digits(at, p->number, 1);
    *at++ = '@';
    memcpy(at, p->language->mail_domain, strlen(p->language->mail_domain) + 1);
}

/* group: copy digits with spaces as people write them; the last group takes the rest. */
static void group(char *at, const char *national, const char *groups)
{
    int left = *groups++ - '0';
    for (; *national; national++) {
        if (left == 0 && *groups) {
            *at++ = ' ';
            left = *groups++ - '0';
        }
        *at++ = *national;
        left--;
    }
    *at = '\0';
}

/* make_mobile: no two customers share a number by chance: 7654321 and 10 are coprime, so
 * within a language it comes again after millions of customers. */
static void make_mobile(struct person *p)
{
    const struct language *l = p->language;
    size_t width = strcspn(l->mobile_prefixes, " ");
    size_t count = (strlen(l->mobile_prefixes) + 1) / (width + 1);
    uint64_t range = 1;
    for (unsigned i = 0; i < l->digits; i++)
        range *= 10;
    char national[16], *at = national;
    memcpy(at, l->mobile_prefixes + p->number % count * (width + 1), width);
    at = digits(at + width, (p->number * 7654321 + 4071) % range, (int)l->digits);
    *at = '\0';
    snprintf(p->e164, sizeof(p->e164), "+%s%s", l->country_code, national);

    /* Strangers are written with their country, the studio's own people often without. */
    unsigned style = dice_below(&p->dice, 100);
    bool at_home = l == languages;
    at = p->phone;
    if (style >= 40) {
        memcpy(p->phone, p->e164, sizeof(p->phone));
        return;
    }
    if (style >= 30)
        at += sprintf(at, "00%s", l->country_code);
    else if (style >= 20 || !at_home)
        at += sprintf(at, "+%s ", l->country_code);
    group(at, national, style >= 30 ? "9" : l->groups);
}

static void make_phone(struct person *p)
{
    static const char *const nonsense[] = {"n/a", "12345", "no!", "+39 0000"};
    unsigned roll = dice_below(&p->dice, 1000);
    p->phone[0] = p->e164[0] = '\0';
    if (roll < 6)
        snprintf(p->phone, sizeof(p->phone), "%s", p->language->landline);
    else if (roll < 10)
        snprintf(p->phone, sizeof(p->phone), "%s", nonsense[roll - 6]);
    else if (roll >= 40)
        make_mobile(p);
}

/* make_person: p holds the customer before, for the relatives. */
static void make_person(struct person *p, uint64_t seed, uint64_t number)
{
    struct dice dice = {seed ^ number * 0xD1342543DE82EF95u};
    bool relative = number > 1 && dice_below(&dice, 1000) < 22;
    unsigned activity = dice_below(&dice, 100);
    p->number = number;
    p->dice = dice;
    p->activity = activity < 35 ? LAPSED : activity < 70 ? OCCASIONAL : REGULAR;
    if (!relative)
        p->language = pick_language(&p->dice);
    p->first_name = p->language->first_names[dice_below(&p->dice, NAMES)];
    if (relative) { /* same last name and email, and every other one the same phone */
        if (dice_percent(&p->dice, 50))
            make_phone(p);
        return;
    }
    p->last_name = p->language->last_names[dice_below(&p->dice, NAMES)];
    p->email[0] = '\0';
    if (!dice_percent(&p->dice, 2))
        make_email(p);
    make_phone(p);
}

/* --- the studio ------------------------------------------------------------ */

/* A recurring class: where and when its sessions are follows from the week. Times are
 * UTC. */
static const struct course {
    const char *type, *name, *template;
    unsigned weekday, minutes;
} courses[] = {
    {"Yoga", "Vinyasa Flow", "vinyasa-mon", 0, 17 * 60 + 30},
    {"Yoga", "Hatha", "hatha-wed", 2, 6 * 60},
    {"Yoga", "Yin & Relax", "yin-sun", 6, 18 * 60},
    {"Pilates", "Reformer", "reformer-tue", 1, 11 * 60 + 15},
    {"Pilates", "Mat Pilates", "mat-thu", 3, 16 * 60 + 45},
    {"Barre", "Barre, beginners", "barre-fri", 4, 7 * 60 + 30},
    {"Cycling", "Spin 45\"", "spin-tue", 1, 18 * 60},
    {"HIIT", "HIIT", "hiit-thu", 3, 5 * 60 + 30},
    {"Dance", "Salsa", "salsa-sat", 5, 15 * 60},
    {"Kids", "Yoga for kids", "kids-sat", 5, 9 * 60},
};

enum { CUSTOMERS, TAGS, MEMBERSHIPS, VISITS, BOOKINGS, PACKS, OPTOUTS, SHEETS };

struct studio {
    uint64_t customers, seed;
    int64_t today; /* days since 1970-01-01 */
    int64_t monday;
    int64_t now_minutes;
    struct sheet sheets[SHEETS];
};

static void write_customer(struct studio *s, struct person *p)
{
    struct sheet *sheet = &s->sheets[CUSTOMERS];
    struct dice *dice = &p->dice;
    const struct language *l = p->language;
    cell_id(sheet, p->number);
    cell(sheet, p->first_name);
    cell(sheet, p->last_name);
    cell(sheet, p->email);
    cell_bool(sheet, !dice_percent(dice, 4));
    cell(sheet, p->phone);
    cell(sheet, dice_percent(dice, 5) ? l->regional_locale : l->locale);
    cell(sheet, l->timezone);
    cell(sheet, dice_percent(dice, 1) ? "teacher" : "customer");
    cell_bool(sheet, !dice_percent(dice, 5));
    cell(sheet, l->locations[dice_below(dice, PLACES)]);
    if (dice_percent(dice, 40)) {
        char token[40];
        snprintf(token, sizeof(token), "%016" PRIx64 "%016" PRIx64, dice_next(dice),
                 dice_next(dice));
        cell(sheet, token);
    } else {
        cell(sheet, "");
    }
    cell_bool(sheet, !dice_percent(dice, 7));
    if (dice_percent(dice, 70))
        cell_date(sheet, s->today - dice_between(dice, 16 * 365, 75 * 365));
    else
        cell(sheet, "");
    cell(sheet, dice_percent(dice, 3) ? l->note : "");
    row_end(sheet);
}

static void write_tags(struct studio *s, struct person *p)
{
    static const char *const tags[] = {
        "vip",  "trial",   "referral", "newsletter", "student",  "seniors",
        "kids", "outdoor", "retreat",  "workshop",   "prenatal", "a, \"b\" list"};
    struct sheet *sheet = &s->sheets[TAGS];
    unsigned wanted = dice_below(&p->dice, 4);
    for (unsigned first = dice_below(&p->dice, ARRAY_COUNT(tags)); wanted > 0; wanted--) {
        cell_id(sheet, p->number);
        cell(sheet, tags[(first + 5 * wanted) % ARRAY_COUNT(tags)]);
        row_end(sheet);
    }
}

static void write_membership(struct studio *s, struct person *p)
{
    static const char *const names[] = {"Gold", "Silver", "Off-peak"};
    static const unsigned active[] = {[LAPSED] = 0, [OCCASIONAL] = 25, [REGULAR] = 70};
    struct sheet *sheet = &s->sheets[MEMBERSHIPS];
    bool is_active = dice_percent(&p->dice, active[p->activity]);
    if (!is_active && !dice_percent(&p->dice, 30))
        return;
    int64_t days = dice_percent(&p->dice, 50) ? 30 : 365;
    int64_t left = is_active ? dice_between(&p->dice, 1, (unsigned)days - 1)
                             : -(int64_t)dice_between(&p->dice, 1, 400);
    cell_id(sheet, p->number);
    cell(sheet, names[dice_below(&p->dice, ARRAY_COUNT(names))]);
    cell(sheet, is_active                    ? "active"
                : dice_percent(&p->dice, 10) ? "cancelled"
                                             : "expired");
    cell_date(sheet, s->today + left - days);
    cell_date(sheet, s->today + left);
    row_end(sheet);
}

static void write_visits(struct studio *s, struct person *p)
{
    static const struct {
        unsigned least, most, since_weeks, weeks;
    } habits[] = {[LAPSED] = {0, 2, 10, 50},
                  [OCCASIONAL] = {1, 4, 1, 20},
                  [REGULAR] = {2, 8, 1, 8}};
    struct sheet *sheet = &s->sheets[VISITS];
    unsigned count =
        dice_between(&p->dice, habits[p->activity].least, habits[p->activity].most);
    for (; count > 0; count--) {
        const struct course *course =
            &courses[dice_below(&p->dice, ARRAY_COUNT(courses))];
        int64_t week = habits[p->activity].since_weeks +
                       dice_below(&p->dice, habits[p->activity].weeks);
        cell_id(sheet, p->number);
        cell(sheet, course->type);
        cell(sheet, course->name);
        cell(sheet, course->template);
        cell_time(sheet, s->monday - 7 * week + course->weekday, course->minutes);
        row_end(sheet);
    }
}

static void write_booking(struct studio *s, struct person *p, bool future)
{
    struct sheet *sheet = &s->sheets[BOOKINGS];
    const struct course *course = &courses[dice_below(&p->dice, ARRAY_COUNT(courses))];
    int64_t day = s->monday + course->weekday + 7 * (int64_t)dice_below(&p->dice, 5);
    char session[40], *end;
    /* Two hours of distance: a plan made soon finds the same bookings in the future. */
    if (future && day * 1440 + course->minutes < s->now_minutes + 120)
        day += 7;
    if (!future)
        day -= 42;
    end = session + sprintf(session, "%s-", course->template);
    *date(end, day) = '\0';
    cell_id(sheet, p->number);
    cell(sheet, session);
    cell(sheet, course->type);
    cell_time(sheet, day, course->minutes);
    row_end(sheet);
}

static void write_bookings(struct studio *s, struct person *p)
{
    static const unsigned booked[] = {[LAPSED] = 5, [OCCASIONAL] = 35, [REGULAR] = 75};
    if (dice_percent(&p->dice, 15))
        write_booking(s, p, false);
    if (!dice_percent(&p->dice, booked[p->activity]))
        return;
    for (unsigned n = dice_between(&p->dice, 1, p->activity == REGULAR ? 3 : 1); n > 0;
         n--)
        write_booking(s, p, true);
}

static void write_pack(struct studio *s, struct person *p)
{
    static const unsigned sizes[] = {1, 5, 10, 20};
    struct sheet *sheet = &s->sheets[PACKS];
    if (!dice_percent(&p->dice, p->activity == LAPSED ? 15 : 35))
        return;
    unsigned size = sizes[dice_below(&p->dice, ARRAY_COUNT(sizes))];
    char name[32];
    snprintf(name, sizeof(name), "%u class%s", size, size == 1 ? "" : "es");
    cell_id(sheet, p->number);
    cell(sheet, name);
    cell_number(sheet, dice_below(&p->dice, size + 1));
    cell_date(sheet, s->today - 90 + dice_below(&p->dice, 270));
    row_end(sheet);
}

/* The list of the system the studio had before: by customer, by address or by number. */
static void write_optout(struct studio *s, struct person *p)
{
    static const char *const switches[] = {"marketing_email",
                                           "marketing_email marketing_sms",
                                           "sms",
                                           "transactional_email",
                                           "notifications",
                                           ""};
    struct sheet *sheet = &s->sheets[OPTOUTS];
    if (!dice_percent(&p->dice, 2))
        return;
    unsigned by = dice_below(&p->dice, 4);
    if (by == 1 && p->email[0]) {
        cell(sheet, "");
        cell(sheet, p->email);
        cell(sheet, "");
    } else if (by == 2 && p->e164[0]) {
        cell(sheet, "");
        cell(sheet, "");
        cell(sheet, p->e164);
    } else {
        cell_id(sheet, p->number);
        cell(sheet, "");
        cell(sheet, "");
    }
    cell(sheet, switches[dice_below(&p->dice, ARRAY_COUNT(switches))]);
    row_end(sheet);
}

/* write_damage: what somebody once typed into the export by hand: rows with a field too
 * few or too many, and a booking of a customer who is not there. */
static void write_damage(struct studio *s)
{
    static const char rows[] =
        "x000001,Anna,Verdi\n"
        "x000002,Luca,Neri,detto il Lungo,luca@posta.example,true,,it,Europe/Rome,"
        "customer,true,Milano Centro,,true,,\n"
        "x000003;Carla;Riva;carla@posta.example\n";
    struct person stranger = {.number = 0, .dice = {s->seed}};
    char *at = sheet_room(&s->sheets[CUSTOMERS]);
    memcpy(at, rows, sizeof(rows) - 1);
    s->sheets[CUSTOMERS].used += sizeof(rows) - 1;
    write_booking(s, &stranger, true);
}

static void write_all(struct studio *s, const char *dir)
{
    static const struct {
        const char *name, *header;
    } files[SHEETS] = {
        [CUSTOMERS] =
            {"customers.csv",
             "id,first_name,last_name,email,email_verified,phone,locale,timezone,role,"
             "enrolled,location,push_token,notifications_enabled,birthday,notes"},
        [TAGS] = {"tags.csv", "customer_id,tag"},
        [MEMBERSHIPS] = {"memberships.csv", "customer_id,name,status,starts_on,ends_on"},
        [VISITS] = {"visits.csv", "customer_id,class_type,class,template,at"},
        [BOOKINGS] = {"bookings.csv", "customer_id,session,class_type,starts_at"},
        [PACKS] = {"packs.csv", "customer_id,name,balance,expires_on"},
        [OPTOUTS] = {"optouts.csv", "customer,email,phone,switch"},
    };
    struct person person = {.number = 0};
    for (size_t i = 0; i < SHEETS; i++)
        sheet_open(&s->sheets[i], dir, files[i].name, files[i].header);
    for (uint64_t number = 1; number <= s->customers; number++) {
        make_person(&person, s->seed, number);
        write_customer(s, &person);
        write_tags(s, &person);
        write_membership(s, &person);
        write_visits(s, &person);
        write_bookings(s, &person);
        write_pack(s, &person);
        write_optout(s, &person);
    }
    write_damage(s);
    for (size_t i = 0; i < SHEETS; i++)
        sheet_close(&s->sheets[i]);
}

/* --- main ------------------------------------------------------------------ */

static bool read_option(struct studio *s, const char *name, const char *value,
                        int64_t *now_ns)
{
    bool has_offset;
    if (strcmp(name, "--customers") == 0)
        return units_count(text_of(value), &s->customers) == 0;
    if (strcmp(name, "--seed") == 0)
        return units_count(text_of(value), &s->seed) == 0;
    return strcmp(name, "--now") == 0 &&
           clock_parse(text_of(value), now_ns, &has_offset) == 0;
}

int main(int argc, char **argv)
{
    static struct studio studio = {.customers = 100000, .seed = 42};
    int64_t now_ns = clock_now_ns();
    bool ok = argc >= 2 && argc % 2 == 0 && argv[1][0] != '-';
    for (int i = 2; ok && i < argc; i += 2)
        ok = read_option(&studio, argv[i], argv[i + 1], &now_ns);
    if (!ok) {
        fputs(
            "usage: studio DIR [--customers N] [--seed S] [--now 2026-11-21T08:00:00Z]\n",
            stderr);
        return 2;
    }
    if (mkdir(argv[1], 0755) && errno != EEXIST)
        sheet_die(argv[1]);
    studio.now_minutes = now_ns / (60 * NS_PER_S);
    studio.today = studio.now_minutes / 1440;
    studio.monday = studio.today - (studio.today + 3) % 7; /* day 0 was a Thursday */
    write_all(&studio, argv[1]);
    return 0;
}
