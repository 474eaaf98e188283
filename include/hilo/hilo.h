/* hilo: text embeddings with two lanes, and scores of pairs of texts. The C interface of
 * libhilo.so, for C11, C++ and anything that can call C.
 *
 * A *client* is one channel to an engine. A *task* is one text on its way to a vector, or to the
 * vectors of its tokens; it may also be given as token ids, or be a pair of texts whose vector is
 * one float, their score. Each function says which threads may call it, whether it blocks or
 * allocates, and what each status means. Text is UTF-8 given with its length; no terminating zero
 * is needed. Vectors are `dims` floats. Every handle is opaque and freed by its own close function.
 *
 *   hilo_client *client;
 *   if (hilo_connect(NULL, HILO_HIGH, &client) != HILO_OK) { puts(hilo_last_error()); return 1; }
 *   float vector[384];
 *   hilo_embed(client, HILO_HIGH, "resize photos", 13, vector, 384);
 *   hilo_close(client);
 */
#ifndef HILO_H
#define HILO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HILO_API __attribute__((visibility("default")))
#else
#define HILO_API
#endif

typedef struct hilo_client hilo_client;
typedef uint64_t hilo_task;

typedef enum { HILO_HIGH = 0, HILO_LOW = 1, HILO_ANY = 2 } hilo_lane;

typedef enum {
  HILO_OK = 0,
  HILO_EMPTY = 1, /* no result is ready */
  /* HILO_TASKS_MAX tasks are open, or one for the vectors of tokens, or any when such a one is
   * submitted; 1 MiB of texts is open in this lane; or the text ring is full until the engine has
   * read it: take and release results first */
  HILO_FULL = 2,
  HILO_TEXT_TOO_LONG = 3, /* more than HILO_TEXT_BYTES_MAX bytes */
  HILO_INVALID_UTF8 = 4,
  HILO_INVALID_ARGUMENT = 5,
  HILO_LANE_DENIED = 6, /* this socket does not give that lane */
  HILO_CANCELLED = 7,
  HILO_EXPIRED = 8, /* the deadline passed before the work began */
  HILO_SHUTTING_DOWN = 9,
  HILO_REFUSED = 10, /* no room for another client, or for this text in that lane: try later */
  HILO_FAILED = 11,  /* the engine could not compute it */
  /* the engine has exited: only hilo_take, hilo_release and hilo_close are still of use */
  HILO_ENGINE_GONE = 12,
  HILO_NOT_FOUND = 13, /* no engine there: no HILO_CHANNEL, no socket, or nobody listens */
  HILO_TIMED_OUT = 14,
  HILO_INTERRUPTED = 15, /* a signal came while waiting: handle it and call again */
  HILO_FORKED = 16, /* this process is a fork of the one that opened the client: open another */
  HILO_NO_MEMORY = 17,
  HILO_PROTOCOL = 18, /* engine and library are of different versions */
  /* HILO_TRUNCATE_REFUSE: hilo_result.tokens says how many tokens the model takes */
  HILO_TOO_MANY_TOKENS = 19,
  HILO_UNKNOWN_ID = 20 /* the model's vocabulary, told by hilo_info_t.json, ends before an id */
} hilo_status;

#define HILO_TASKS_MAX 256
#define HILO_TEXT_BYTES_MAX (128 * 1024)
/* Floats from one vector to the next, where a task has several. */
#define HILO_VECTOR_STRIDE(dims) (((dims) + 15) / 16 * 16)

/* A sentence about a status, for people. Never NULL. Any thread. */
HILO_API const char* hilo_strerror(hilo_status status);
/* What went wrong in the last call of this thread that did not return HILO_OK, with names and
 * numbers. Never NULL. Valid until the thread's next call. */
HILO_API const char* hilo_last_error(void);
HILO_API const char* hilo_version(void);

/* ---- opening ---- */

/* Takes the channel that `hilo run` gave this program (environment variable HILO_CHANNEL), once per
 * process. Blocks: until the engine answers, at most 10 s.  Allocates: yes.  Threads: any.
 * HILO_NOT_FOUND       not started by hilo run, or the channel was taken already.
 * HILO_ENGINE_GONE     the engine exited meanwhile.
 * HILO_PROTOCOL, HILO_NO_MEMORY, HILO_TIMED_OUT. */
HILO_API hilo_status hilo_open(hilo_client** client);

/* Connects to `hilo serve`. `socket_path` NULL means $HILO_SOCKET, else $XDG_RUNTIME_DIR/hilo.sock
 * if that folder is the user's own with mode 0700, else /tmp/hilo-UID/hilo.sock. HILO_ANY asks for
 * both lanes, to be chosen for each task.  Blocks, allocates, threads: as hilo_open().
 * HILO_NOT_FOUND       no socket there, nobody listens, or (NULL) another user does, or has rights
 *                      to /tmp/hilo-UID.
 * HILO_LANE_DENIED     the socket does not give that lane.
 * HILO_REFUSED         too many clients.
 * HILO_SHUTTING_DOWN, HILO_ENGINE_GONE, HILO_PROTOCOL, HILO_NO_MEMORY, HILO_TIMED_OUT. */
HILO_API hilo_status hilo_connect(const char* socket_path, hilo_lane lane, hilo_client** client);

/* The same over a connected AF_UNIX SOCK_SEQPACKET descriptor, for a program that starts its own
 * engine (`hilo serve --private-fd`). Owns `descriptor` from here on, also on failure. */
HILO_API hilo_status hilo_connect_fd(int descriptor, hilo_lane lane, hilo_client** client);

/* Ends the session and frees the client. Open tasks are abandoned. Vectors that were not released
 * become invalid. NULL is allowed; so is a forked process, which frees its copy only.
 * Threads: no other call on this client may be under way.  Blocks: never. */
HILO_API void hilo_close(hilo_client* client);

typedef struct {
  hilo_lane lanes;     /* what this channel may use */
  uint32_t dims;       /* floats in a vector */
  uint32_t tokens_max; /* tokens a text is cut to, special tokens included */
  uint32_t tasks_max;  /* HILO_TASKS_MAX */
  uint32_t text_bytes_max;
  /* What the engine says of itself: {"model": ..., "vocabulary": ..., "cross_encoder": ...,
   * "prompts": [...]} and more; docs/PROTOCOL.md has all members. Lives with the client. */
  const char* json;
} hilo_info_t;

/* Never blocks. Any thread. */
HILO_API hilo_status hilo_info(const hilo_client* client, hilo_info_t* info);

/* ---- tasks ----
 * One thread at a time per client for hilo_submit*, hilo_take, hilo_cancel and hilo_release.
 * hilo_wait() may run in one other thread at the same time. */

/* What a task is given as. */
typedef enum {
  HILO_TEXT = 0, /* one text */
  /* Token ids: hilo_text.data points to uint32_t, hilo_text.bytes is 4 for each. They are the whole
   * sequence that the model gets: nothing is added, neither special tokens nor a prompt. */
  HILO_IDS = 1,
  /* Two texts, one after the other in the list, for a cross-encoder: its score of them is the
   * vector's only float. Together they have at most HILO_TEXT_BYTES_MAX bytes. No prompt. */
  HILO_PAIR = 2
} hilo_input;

/* What becomes of a task that has more tokens than the model takes. Of a pair, the longer text
 * loses tokens first. */
typedef enum {
  HILO_TRUNCATE_END = 0,   /* its end is cut off */
  HILO_TRUNCATE_START = 1, /* its start is cut off */
  HILO_TRUNCATE_REFUSE = 2 /* its result is HILO_TOO_MANY_TOKENS */
} hilo_truncation;

/* Zeros are a text of HIGH as the model has it. A caller that was compiled before `input` was there
 * gives a smaller struct_bytes, and zeros for what it does not know. */
typedef struct {
  size_t struct_bytes;     /* sizeof(hilo_submit_options) */
  hilo_lane lane;          /* HILO_HIGH or HILO_LOW; a LOW channel makes LOW of HIGH */
  uint32_t timeout_ms;     /* 0: none. The task expires if its work has not begun by then. */
  const char* prompt_name; /* NULL: none. One of the names in hilo_info_t.json; its text is put
                              before each text. */
  hilo_input input;
  hilo_truncation truncation;
  uint32_t raw; /* 1: a vector is not scaled to length 1, and a score stays a logit, whatever the
                   model says */
  /* 0: the task has one vector. k: it has those of its tokens from the k-th on, counting from 1 and
   * with special tokens, up to HILO_TASKS_MAX of them: the last layer's output as it is. They take
   * the room of all tasks, so nothing else may be open on this client or lent, until they are
   * released. hilo_info_t.json says with "token_vectors" whether the engine has them. */
  size_t tokens_from;
} hilo_submit_options;

typedef struct {
  const char* data;
  size_t bytes;
} hilo_text;

/* Submits one text and returns at once. The text is copied; the caller may free it on return.
 * Blocks: never.  Allocates: never.
 * HILO_OK              *task names the task; hilo_take() returns it exactly once.
 * HILO_FULL, HILO_TEXT_TOO_LONG, HILO_INVALID_ARGUMENT, HILO_ENGINE_GONE, HILO_FORKED,
 * HILO_PROTOCOL        nothing was submitted.
 * Invalid UTF-8 is found by the engine and told in the result. An empty text is a text. */
HILO_API hilo_status hilo_submit(hilo_client* client, hilo_lane lane, const char* text,
                                 size_t bytes, hilo_task* task);

/* Submits `count` tasks in order until all are in or one cannot be; `*submitted` says how many, and
 * tasks[0..*submitted) name them. `texts` has one text for each task, or two for HILO_PAIR. One
 * doorbell for all. The status is that of the first task not submitted, or HILO_OK. Otherwise as
 * hilo_submit().
 * HILO_INVALID_ARGUMENT  also for a pair where the model is no cross-encoder, for no ids, and for
 *                        vectors of tokens where the engine has none. */
HILO_API hilo_status hilo_submit_many(hilo_client* client, const hilo_submit_options* options,
                                      const hilo_text* texts, size_t count, hilo_task* tasks,
                                      size_t* submitted);

typedef struct {
  hilo_task task;
  hilo_status status; /* HILO_OK, or why there is no vector */
  /* With HILO_REFUSED: more work waits in that lane than the engine takes in, or so many of this
   * client's own texts that there is no room for it. Submit the text again after this time.
   * Otherwise 0. */
  uint32_t retry_after_ms;
  /* `dims` floats in read-only memory until hilo_release(); NULL unless HILO_OK. With tokens_from,
   * the first of several, each HILO_VECTOR_STRIDE(dims) floats behind the one before; there are
   * tokens - tokens_from + 1 of them, at most HILO_TASKS_MAX, and none if tokens < tokens_from. */
  const float* vector;
  uint32_t tokens;    /* tokens computed, special tokens included */
  uint32_t truncated; /* 1 if the text had more tokens than tokens_max, and lost some */
  uint64_t engine_ns; /* from the engine's intake to its completion */
} hilo_result;

/* Takes up to `count` results that are ready, in the order of completion. Each task with HILO_OK
 * lends a vector until hilo_release(task).  Blocks: never.  Allocates: never.
 * HILO_EMPTY           none is ready; *taken is 0.
 * HILO_ENGINE_GONE     comes only after all completions that the engine left have been taken.
 * HILO_INVALID_ARGUMENT, HILO_FORKED, HILO_PROTOCOL. */
HILO_API hilo_status hilo_take(hilo_client* client, hilo_result* results, size_t count,
                               size_t* taken);

/* Sleeps until a result is ready, the timeout passes, the engine is gone, or a signal arrives.
 * timeout_ms < 0 waits as long as it takes. Spins for a few microseconds first.
 * HILO_OK              look with hilo_take(); it may be the result of an interrupted hilo_embed(),
 *                      which hilo_take() drops.
 * HILO_ENGINE_GONE     within 200 ms of it.
 * HILO_TIMED_OUT, HILO_INTERRUPTED, HILO_FORKED. */
HILO_API hilo_status hilo_wait(hilo_client* client, int timeout_ms);

/* Gives the vector of a taken task back. HILO_INVALID_ARGUMENT if it is not lent.
 * Blocks: never.  Allocates: never. */
HILO_API hilo_status hilo_release(hilo_client* client, hilo_task task);

/* Asks to drop a task. It still gets exactly one result: HILO_CANCELLED if the work had not begun,
 * else its vector. HILO_INVALID_ARGUMENT if the task is not open. */
HILO_API hilo_status hilo_cancel(hilo_client* client, hilo_task task);

/* For event loops: a descriptor that becomes readable when results are ready. Call hilo_arm()
 * first; when it returns HILO_OK a result is ready already, on HILO_EMPTY wait for the descriptor
 * to be readable, then hilo_disarm() and hilo_take(). A hang-up on the descriptor means that the
 * engine is gone. */
HILO_API int hilo_descriptor(const hilo_client* client);
HILO_API hilo_status hilo_arm(hilo_client* client);
HILO_API void hilo_disarm(hilo_client* client);

/* ---- simple ---- */

/* Submits one text, waits, and copies its vector to `vector` (room for `dims` floats; must be the
 * model's). No other task may be open on this client. Blocks: yes.
 * HILO_INTERRUPTED     a signal came: the task is cancelled and forgotten. A later call waits for
 *                      its end where it needs the room.
 * Otherwise the statuses of hilo_submit(), of hilo_wait(), and those of a result. */
HILO_API hilo_status hilo_embed(hilo_client* client, hilo_lane lane, const char* text, size_t bytes,
                                float* vector, uint32_t dims);

/* Submits one text, or its ids, waits, and copies the vectors of all its tokens to `vectors`, which
 * has room for `room` of `dims` floats; `*tokens` says how many they are. More than HILO_TASKS_MAX
 * are had in several tasks, each of which computes the text. `tokens_from` is not looked at. As
 * hilo_embed() otherwise, and
 * HILO_FULL            `room` is too small for `*tokens`; or vectors are lent, and `*tokens` is 0.
 */
HILO_API hilo_status hilo_embed_tokens(hilo_client* client, const hilo_submit_options* options,
                                       const hilo_text* text, float* vectors, size_t room,
                                       size_t* tokens);

/* Sends bytes through the engine and back, past the model: tests the path. `bytes` at most 4 *
 * dims. Blocks: yes. Statuses: as hilo_embed(). */
HILO_API hilo_status hilo_echo(hilo_client* client, const void* data, size_t bytes, void* back);

/* ---- tokenizer: needs no engine ---- */

typedef struct hilo_tokenizer hilo_tokenizer;

/* Reads the tokenizer of a Hugging Face model directory; NULL means the built-in bert-base-uncased.
 * HILO_NOT_FOUND, HILO_INVALID_ARGUMENT (hilo_last_error() says what is wrong with it). */
HILO_API hilo_status hilo_tokenizer_open(const char* model_directory, hilo_tokenizer** tokenizer);
HILO_API void hilo_tokenizer_close(hilo_tokenizer* tokenizer);

typedef enum { HILO_BYTES = 0, HILO_CHARACTERS = 1 } hilo_offset_unit;

typedef struct {
  size_t struct_bytes; /* sizeof(hilo_encode_options) */
  const char* second;  /* NULL: one text. Else both become one sequence. */
  size_t second_bytes;
  uint32_t tokens_max;             /* 0: no limit. Special tokens count, too. */
  int truncate_left;               /* cut from the start, not from the end */
  int leave_out_special_tokens;    /* no [CLS], [SEP] and their like */
  int read_special_tokens_as_text; /* "[SEP]" in a text is text, for texts of strangers */
  hilo_offset_unit offset_unit;
} hilo_encode_options;

/* Where a token stands in its text: from `begin` up to `end`. Special tokens have 0 and 0. */
typedef struct {
  uint32_t begin;
  uint32_t end;
} hilo_offsets;

typedef struct {
  size_t struct_bytes;   /* sizeof(hilo_tokens) */
  size_t room;           /* of each array below that is not NULL */
  uint32_t* ids;         /* NULL: not wanted; so the others */
  uint8_t* types;        /* 0 for the first text, 1 for the second */
  hilo_offsets* offsets; /* asking for them makes encoding several times as slow */
  size_t count;          /* out: tokens written */
  int truncated;         /* out: the text had more */
} hilo_tokens;

/* Encodes a text into the arrays of *tokens. `options` NULL means zeros.
 * HILO_FULL: `room` was too small and nothing was written; count says how many tokens there are.
 * HILO_INVALID_ARGUMENT, HILO_NO_MEMORY. Threads: one at a time per tokenizer. */
HILO_API hilo_status hilo_tokenizer_encode(hilo_tokenizer* tokenizer, const char* text,
                                           size_t bytes, const hilo_encode_options* options,
                                           hilo_tokens* tokens);
/* Sets *text to what the ids stand for, zero-terminated; it lives until the next call on this
 * tokenizer. Ids of a byte-level vocabulary may stand for a zero, and then *text ends there.
 * Statuses and threads: as hilo_tokenizer_encode(). */
HILO_API hilo_status hilo_tokenizer_decode(hilo_tokenizer* tokenizer, const uint32_t* ids,
                                           size_t count, int leave_out_special_tokens,
                                           const char** text);
/* The piece of an id, zero-terminated; NULL for an id without one. Lives with the tokenizer. */
HILO_API const char* hilo_tokenizer_piece(const hilo_tokenizer* tokenizer, uint32_t id);
HILO_API uint32_t hilo_tokenizer_size(const hilo_tokenizer* tokenizer);

#ifdef __cplusplus
}
#endif
#endif
