/* machine: what a program runs on: registers, frames, and the operations by family. */
#ifndef ENGINE_AUDIENCE_MACHINE_H
#define ENGINE_AUDIENCE_MACHINE_H

#include "engine/audience/kernels.h"
#include "engine/audience/program.h"

#include "base/bitmap.h"
#include "base/buffer.h"

/* Rows a frame holds at most, of customers as of list elements. */
#define FRAME_ROWS_MAX CHUNK_ROWS_MAX
#define FRAME_WORDS    (FRAME_ROWS_MAX / 64)

/* Bitmaps have a word more, so that 8 bytes may be read from any bit on. */
#define BITMAP_BYTES ((FRAME_WORDS + 1) * sizeof(uint64_t))

struct frame {
    const struct column *columns;
    const uint64_t
        *elements; /* validity of a list's structs, or NULL; bit 0 is row 0 of columns */
    int64_t first; /* a multiple of 64 */
    const int32_t
        *picks; /* the places of its rows in columns; NULL: first, first + 1, … */
    uint32_t rows;
    uint32_t level;
    const struct frame *outer;
    uint16_t parents[FRAME_ROWS_MAX]; /* an element's row in outer; of correlated blocks
                                         only */
};

/* A register. Bits behind the last row mean nothing. */
struct reg {
    uint64_t *yes; /* conditions: where it is true; values: room for a validity bitmap */
    uint64_t *no;  /* conditions: where it is false */
    void *lanes;   /* room for FRAME_ROWS_MAX of the widest values */
    /* What a value is now; data may point into a column. */
    const void *data;
    const uint64_t *valid; /* NULL: no nulls */
};

/* Texts that operations make (lower case), kept until the next chunk. */
struct text_pool {
    struct slab *slabs; /* the newest first */
    size_t used_bytes;  /* of the newest */
};

struct machine {
    const struct tzif *zone;
    const struct kernels *kernels;
    struct reg *regs;
    struct frame *frames; /* one a level */
    void *picked;         /* for machine_values: FRAME_ROWS_MAX of the widest values */
    void *fold_rooms;     /* one a level: fold.c */
    struct text_pool pool;
    struct arena arena;
};

/* A condition as an operand sees it. */
struct truth {
    uint64_t *yes;
    uint64_t *no;
};

static inline struct truth machine_truth(const struct machine *run, struct operand o)
{
    const struct reg *reg = &run->regs[o.index];
    return o.negated ? (struct truth){reg->no, reg->yes}
                     : (struct truth){reg->yes, reg->no};
}

/* Values as an operand sees them: value i is at data + i × stride lanes. */
struct vector {
    const void *data;
    const uint64_t *valid; /* NULL: no nulls */
    size_t stride;         /* 0: a constant */
    struct type type;
};

struct vector machine_vector(const struct machine *run, struct operand o);

/* vector_exact: exact value, date or time i, from narrow or wide lanes. */
static inline int128 vector_exact(const struct vector *v, size_t i)
{
    return v->type.wide ? ((const int128 *)v->data)[i * v->stride]
                        : ((const int64_t *)v->data)[i * v->stride];
}

static inline double vector_real(const struct vector *v, size_t i)
{
    return v->type.kind == KIND_REAL ? ((const double *)v->data)[i * v->stride]
                                     : number_to_real(vector_exact(v, i), v->type.scale);
}

static inline struct text vector_text(const struct vector *v, size_t i)
{
    return ((const struct text *)v->data)[i * v->stride];
}

/* machine_column: the column at place in this frame; *valid_out is its validity from the
 * frame's first row on (NULL: no nulls), its structs' nulls included; room is used where
 * two meet. */
const struct column *machine_column(const struct frame *frame, const struct place *place,
                                    uint64_t *room, const uint64_t **valid_out);

/* machine_bits: the frame's rows of a bool column; room is used where they are picked. */
const uint64_t *machine_bits(const struct frame *frame, const struct column *column,
                             uint64_t *room);

/* machine_values: the frame's rows of a fixed-width column, 1 << log2 bytes each, one behind the other: in
 * the column, or gathered in run->picked until the next call. */
const void *machine_values(const struct machine *run, const struct frame *frame,
                           const struct column *column, unsigned log2);

/* machine_width_log2: a fixed-width value takes 1 << this many bytes. */
unsigned machine_width_log2(enum column_type type);

/* machine_place: where row i of the frame lies in its columns. */
static inline int64_t machine_place(const struct frame *frame, size_t i)
{
    return frame->picks ? frame->picks[i] : frame->first + (int64_t)i;
}

/* machine_valid: what is there in both; room is used where two meet. */
const uint64_t *machine_valid(const uint64_t *a, const uint64_t *b, size_t rows,
                              uint64_t *room);

/* machine_settle: yes = raw ∧ valid, no = ¬raw ∧ valid. raw may be yes. */
void machine_settle(const uint64_t *raw, const uint64_t *valid, size_t rows,
                    struct reg *target);

/* machine_block: every operation of block over the frame's rows. */
void machine_block(struct machine *run, const struct block *block,
                   const struct frame *frame);

/* machine_compare_texts: by code point, which in UTF-8 is by byte. Below, at or above 0. */
static inline int machine_compare_texts(struct text a, struct text b)
{
    size_t bytes = a.bytes < b.bytes ? a.bytes : b.bytes;
    int result = bytes > 0 ? memcmp(a.data, b.data, bytes) : 0;
    if (result == 0)
        return (a.bytes > b.bytes) - (a.bytes < b.bytes);
    return result < 0 ? -1 : 1;
}

/* machine_pool: room for bytes until the next chunk. */
char *machine_pool(struct machine *run, size_t bytes);
void machine_pool_reset(struct machine *run, bool keep);

/* lanes.c */
void lanes_operation(struct machine *run, const struct frame *frame, const struct op *op);
void lanes_load(struct machine *run, const struct frame *frame, const struct op *op);
void lanes_load_text(const struct column *column, const int32_t *picks, int64_t first,
                     size_t rows, const uint64_t *valid, struct text *out);

/* matching.c: conditions on values */
void matching_operation(struct machine *run, const struct frame *frame,
                        const struct op *op);

/* fold.c */
void fold_operation(struct machine *run, const struct frame *frame, const struct op *op);
size_t fold_room_bytes(void);

#endif
