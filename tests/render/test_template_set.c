/* Folders: one that is right, then one mistake each. */
#include "render/template/template_set.h"

#include "base/file.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[64];
static char notes[1024];
static struct arena arena;

static void put(const char *file, const char *content)
{
    char path[PATH_BYTES];
    FILE *out;
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    out = fopen(path, "w");
    cr_assert(out);
    fputs(content, out);
    fclose(out);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void setup(void)
{
    char partials[80];
    strcpy(dir, "/tmp/test_template_set.XXXXXX");
    cr_assert(mkdtemp(dir));
    cr_assert_eq(arena_init(&arena, 1 << 20, NULL), 0);
    snprintf(partials, sizeof(partials), "%s/partials", dir);
    cr_assert_eq(file_make_dirs(partials, NULL), 0);
    put("template.yaml",
        "category: marketing\n"
        "variables:\n"
        "  first_name: {default: friend}\n"
        "  url:\n"
        "  refund:\n"
        "    default: refunded\n"
        "    cases: {column: kind, cash: {it: contanti, en: cash}, other: misc}\n"
        "required: [url]\n"
        "subject: {it: 'Ciao ##{{first_name}}', en: Hello}\n");
    put("sms.it.txt", "\xEF\xBB\xBF"
                      "Ciao ##{{first_name}}\r\n##{{url}}\n");
    put("email.it.html",
        "<p>##{{first_name}}</p>\n##{{> footer}}##{{unsubscribe_url}}\n");
    put("email.en.html", "<p>Hi</p>");
    put("email.en.txt", "Hi ##{{url}}\n");
    put("partials/footer.it.html", "<a href=\"##{{url}}\">x</a>");
    put("README.md", "not a text of ours");
    notes[0] = '\0';
}

static void teardown(void)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_fini(&arena);
}

TestSuite(template_set, .init = setup, .fini = teardown);

static void take_note(void *arg, unsigned line, const char *sentence)
{
    (void)arg;
    size_t used = strlen(notes);
    snprintf(notes + used, sizeof(notes) - used, "%u %s\n", line,
             sentence + strlen(dir) + 1);
}

static struct template_set *open_or_die(void)
{
    struct template_set *set = NULL;
    struct error err = {0};
    cr_assert_eq(template_set_open(dir, take_note, NULL, &set, &err), 0, "%s", err.text);
    return set;
}

static void expect_part(const struct template_set *set, const char *locale,
                        enum template_part part, const char *wanted)
{
    struct text values[4] = {{"Ada", 3}, {"u<", 2}, {NULL, 0}, {"L", 1}}, out;
    int language = template_set_language(set, text_of(locale));
    cr_assert_geq(language, 0);
    template_render(template_set_part(set, (size_t)language, part), values, &arena, &out);
    cr_expect(text_is(out, wanted), "%.*s", TEXT_ARGS(out));
}

Test(template_set, a_good_one)
{
    struct template_set *set = open_or_die();
    size_t count;
    cr_expect_str_eq(notes, "");
    cr_expect_eq(template_set_category(set), CATEGORY_MARKETING);
    const struct template_variable *variables = template_set_variables(set, &count);
    cr_assert_eq(count, 4);
    cr_expect(text_is(variables[3].name, "unsubscribe_url"));
    cr_expect(text_is(variables[0].fallback, "friend") && variables[1].required);
    cr_assert_eq(template_set_languages(set), 2);
    cr_expect_str_eq(template_set_language_name(set, 0), "en");
    expect_part(set, "it", PART_SMS, "Ciao Ada\nu<");
    expect_part(set, "it_IT.UTF-8", PART_EMAIL_SUBJECT, "Ciao Ada");
    expect_part(set, "IT-ch", PART_EMAIL_HTML, "<p>Ada</p>\n<a href=\"u&lt;\">x</a>L\n");
    expect_part(set, "en", PART_EMAIL_TEXT,
                "Hi u<\n\n-- \nUnsubscribe from these emails: L\n");
    expect_part(
        set, "en", PART_EMAIL_HTML,
        "<p>Hi</p><p style=\"font-size:small\"><a href=\"L\">Unsubscribe from these "
        "emails</a></p>\n");
    cr_expect_eq(template_set_language(set, TEXT("fr")), -1);
    cr_expect_eq(template_set_language(set, TEXT("")), -1);
    cr_expect_eq(template_set_language(set, TEXT_NONE), -1);
    cr_expect_eq(template_set_language(set, TEXT("i")), -1);
    cr_expect_null(template_set_part(set, 0, PART_SMS));
    cr_expect(template_set_serves(set, 1, CHANNEL_SMS));
    cr_expect_not(template_set_serves(set, 0, CHANNEL_SMS));
    cr_expect(template_set_serves(set, 0, CHANNEL_EMAIL));
    template_set_close(&set);
    cr_expect_null(set);
}

Test(template_set, cases)
{
    struct template_set *set = open_or_die();
    cr_expect_null(template_set_case_column(set, 0).data);
    cr_expect(text_is(template_set_case_column(set, 2), "kind"));
    cr_expect(text_is(template_set_case(set, 2, 0, TEXT("cash")), "cash"));
    cr_expect(text_is(template_set_case(set, 2, 1, TEXT("cash")), "contanti"));
    cr_expect(text_is(template_set_case(set, 2, 1, TEXT("other")), "misc"));
    cr_expect_null(template_set_case(set, 2, 1, TEXT("credits")).data);
    cr_expect_null(template_set_case(set, 2, 1, TEXT("column")).data);
    cr_expect_null(template_set_case(set, 2, 1, TEXT_NONE).data);
    template_set_close(&set);
}

Test(template_set, notes_name_file_and_line)
{
    put("push.it.txt", "##{{url}}\n##{{frist_name}}");
    struct template_set *set = open_or_die();
    cr_expect_str_eq(
        notes, "2 push.it.txt:2: the variable \"frist_name\" is not on the list and "
               "stays as typed (did you mean \"first_name\"?)\n");
    template_set_close(&set);
}

static const struct mistake {
    const char *file, *content, *wanted;
} mistakes[] = {
    {"template.yaml", "categori: marketing\n",
     "/template.yaml:1: unknown key \"categori\" (did you mean \"category\"?)"},
    {"template.yaml", "\ncategory: spam\n",
     "/template.yaml:2: category is marketing, transactional or manual"},
    {"template.yaml", "variables: [a]\n", "/template.yaml:1: variables is a mapping"},
    {"template.yaml", "variables: {a: {defualt: x}}\n",
     "/template.yaml:1: unknown key \"defualt\" (did you mean \"default\"?)"},
    {"template.yaml", "variables: {'a b': {}}\n",
     "/template.yaml:1: \"a b\" is no variable name"},
    {"template.yaml", "variables: {url: }\nrequired: [ulr]\n",
     "/template.yaml:2: required \"ulr\" is no variable of the list (did you mean "
     "\"url\"?)"},
    {"template.yaml", "variables: {a: {cases: {x: y}}}\n",
     "/template.yaml:1: cases need the column that decides"},
    {"template.yaml",
     "variables: {a: {cases: {column: c, x: {it: y}}}}\nsubject: {it: a, en: b}\n",
     "/template.yaml:1: the case \"x\" of \"a\" has no text in \"en\""},
    {"template.yaml", "subject: {it: a, en: b, fr: c}\n",
     "/template.yaml:1: a subject in \"fr\", but there is no text in that language"},
    {"template.yaml", "subject: {it: a}\n",
     "/template.yaml: the email in \"en\" has no subject"},
    {"template.yaml", "a: [\n", "/template.yaml:2: "},
    {"sms.it.txt", "no link\n", ": the sms in \"it\" lacks ##{{url}}"},
    {"email.en.txt", "no link\n", ": the email in \"en\" lacks ##{{url}}"},
    {"sms.it.txt", "\n##{{#url}}", "/sms.it.txt:2: the section \"url\" has no end"},
    {"sms.it.txt", "##{{> fotter}}", "/sms.it.txt:1: there is no partial \"fotter\""},
    {"sms.it.txt", "\xFF", "/sms.it.txt is not UTF-8 text"},
    {"smss.it.txt", "x", "(did you mean \"sms\"?)"},
    {"sms.txt", "x", "/sms.txt: texts are called sms, email, push or inapp"},
    {"sms.english.txt", "x", "/sms.english.txt: \"english\" is no language"},
    {"sms.it-.txt", "x", "/sms.it-.txt: \"it-\" is no language"},
};

Test(template_set, mistakes)
{
    for (size_t i = 0; i < ARRAY_COUNT(mistakes); i++) {
        struct template_set *set = NULL;
        struct error err = {0};
        teardown();
        setup();
        put(mistakes[i].file, mistakes[i].content);
        cr_expect_neq(template_set_open(dir, NULL, NULL, &set, &err), 0, "%s",
                      mistakes[i].wanted);
        cr_expect(strstr(err.text, mistakes[i].wanted) &&
                      strncmp(err.text, dir, strlen(dir)) == 0,
                  "%zu: wanted %s, got %s", i, mistakes[i].wanted, err.text);
        cr_expect_null(set);
    }
}

Test(template_set, missing_folder_and_file)
{
    struct template_set *set = NULL;
    struct error err = {0};
    cr_expect_eq(template_set_open("/nonexistent/x", NULL, NULL, &set, &err),
                 -ERROR_INPUT);
    cr_expect_str_eq(err.text, "/nonexistent/x: there is no such template folder");
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/template.yaml", dir);
    remove(path);
    cr_expect_eq(template_set_open(dir, NULL, NULL, &set, &err), -ERROR_INPUT);
    cr_expect(strstr(err.text, "template.yaml"), "%s", err.text);
}
