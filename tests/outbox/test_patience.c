/* Waits against a model of a server that answers one request after the other. */
#include "outbox/loop/patience.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#define SOCKETS 50

/* All times in nanoseconds. */
struct model {
    int64_t serve, handle, send, wake; /* a request; a reply; a send; waking a thread */
    int64_t server_free;               /* when the server has done all it got */
    int64_t replies[SOCKETS];          /* when each one under way comes, in order */
    unsigned under_way;
    int64_t now, used;
    uint64_t replied;
};

static void submit(struct model *m, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        m->now += m->send;
        m->used += m->send;
        m->server_free = (m->server_free > m->now ? m->server_free : m->now) + m->serve;
        m->replies[m->under_way++] = m->server_free;
    }
}

/* Sleep until so many have come, then take all that have. */
static unsigned wait_for(struct model *m, unsigned wanted, int64_t most_ns)
{
    int64_t until = m->replies[wanted - 1], late = m->now + most_ns;
    until = until < late ? until : late;
    if (until > m->now)
        m->now = until + m->wake;
    unsigned came = 0;
    while (came < m->under_way && m->replies[came] <= m->now)
        came++;
    m->under_way -= came;
    memmove(m->replies, m->replies + came, m->under_way * sizeof(*m->replies));
    return came;
}

/* replies_in: a time of talking to a server that needs so long for each request. */
static struct model talk(int64_t serve_ns, int64_t until_ns, struct patience *patience)
{
    struct model m = {.serve = serve_ns, .handle = 2000, .send = 4500, .wake = 40000};
    unsigned new = SOCKETS;
    patience_init(patience);
    while (m.now < until_ns) {
        submit(&m, new);
        int64_t most_ns = patience_wait_ns(patience), began = m.now;
        unsigned batch = patience_batch(patience, m.under_way);
        cr_assert(batch >= 1 && batch <= m.under_way);
        if (patience_is_due(patience))
            patience_look(patience, m.now, m.used);
        new = wait_for(&m, batch, most_ns);
        patience_learn(patience, batch, new, m.now - began < most_ns);
        for (unsigned i = 0; i < new; i++)
            patience_replied(patience);
        m.now += new *m.handle;
        m.used += new *m.handle;
        m.replied += new;
    }
    return m;
}

Test(patience, waits_for_most_where_the_server_is_slow)
{
    struct patience patience;
    struct model m = talk(15000, 3 * NS_PER_S, &patience);
    cr_expect_eq(patience.share, PATIENCE_MOST);
    cr_expect_gt(patience_batch(&patience, SOCKETS), 30);
    cr_expect_gt(m.replied, 3 * NS_PER_S / 15000 * 95 / 100);
}

Test(patience, leaves_the_server_its_work_at_any_pace)
{
    for (int64_t serve = 1000; serve <= 100000; serve += serve / 10) {
        struct patience patience;
        struct model m = talk(serve, 2 * NS_PER_S, &patience);
        int64_t slower = serve > m.handle + m.send ? serve : m.handle + m.send;
        cr_expect_gt((double)m.replied * (double)slower / (2.0 * NS_PER_S), 0.96,
                     "%lld ns a request: %llu replies", (long long)serve,
                     (unsigned long long)m.replied);
    }
}

Test(patience, gives_way_where_more_is_slower)
{
    struct patience p;
    patience_init(&p);
    int64_t now = 0;
    unsigned most = 0, rounds = 4000;
    for (unsigned i = 0; i < rounds; i++) { /* with most awaited, half as many come */
        unsigned pace = p.share == PATIENCE_MOST ? 10 : 20;
        for (unsigned r = 0; r < (i < 20 ? 8 : pace);
             r++) /* at first the server is busy */
            patience_replied(&p);
        now += 10 * NS_PER_MS;
        patience_look(&p, now, now / 2);
        most += p.share == PATIENCE_MOST;
    }
    cr_expect_gt(most, 0);
    cr_expect_lt(most, rounds / 20);
}

Test(patience, asks_for_a_quarter_when_busy)
{
    struct patience p;
    patience_init(&p);
    p.batch = SOCKETS;
    patience_look(&p, NS_PER_S, NS_PER_S / 2);
    cr_expect_eq(patience_batch(&p, 40), 20);
    patience_look(&p, 2 * NS_PER_S, NS_PER_S * 3 / 2);
    cr_expect_eq(patience_batch(&p, 40), 10);
    cr_expect_eq(patience_batch(&p, 0), 1);
}

Test(patience, a_talk_of_question_and_answer_is_not_held_up)
{
    struct patience p;
    patience_init(&p);
    unsigned late = 0;
    for (unsigned i = 0; i < 100000; i++) { /* never more than one reply comes */
        unsigned batch = patience_batch(&p, SOCKETS);
        patience_learn(&p, batch, 1, batch == 1);
        late += batch > 1;
    }
    cr_expect_lt(late, 200);
}
