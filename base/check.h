/* check: assertions about our own code, kept in release builds.
 *
 * CHECK() states what must hold if volley itself is right. It is never used on input, on
 * files or on what a provider sent: those are errors (error.h). A failing CHECK prints
 * the place and aborts, and the journal makes that as harmless as a kill -9. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define CHECK(condition)                                                                 \
    ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

#define MUST_USE               __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))
#define ARRAY_COUNT(array)     (sizeof(array) / sizeof((array)[0]))

_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
