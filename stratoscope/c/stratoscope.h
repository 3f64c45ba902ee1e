/* The C interface, for C programs and for bindings of other languages.
 *
 * Texts are UTF-8 and end with a zero byte; a text with a zero byte inside goes into JSON as \u0000. A request is a
 * JSON object with the fields of `stratoscope_experiments`; a result is named arrays and a JSON document, the one that
 * the command line prints with --json.
 *
 * Every function may be called from several threads at once, also with one model. A handle must not be used after it
 * was closed or freed. NULL handles and pointers are errors (or nothing, for the functions that return nothing).
 *
 * A function that returns `int` returns a stratoscope_status; after any but STRATOSCOPE_OK, stratoscope_last_error()
 * tells more, and what it would have returned through a pointer is unchanged. */
#ifndef STRATOSCOPE_C_STRATOSCOPE_H
#define STRATOSCOPE_C_STRATOSCOPE_H

#include <stddef.h>
#include <stdint.h>

/* NOLINTBEGIN: the rules of C++ do not fit C. */
#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define STRATOSCOPE_C_API __attribute__((visibility("default")))
#else
#define STRATOSCOPE_C_API
#endif

/* Raised when a program that was compiled for the version before would not work. What is only added leaves it. */
#define STRATOSCOPE_ABI 1

typedef enum stratoscope_status {
  STRATOSCOPE_OK = 0,
  STRATOSCOPE_ERROR = 1,     /* an error of no other kind */
  STRATOSCOPE_USAGE = 2,     /* a field that does not exist, a value of another type, fields that do not go together */
  STRATOSCOPE_MODEL = 3,     /* a model that is not found or cannot be read */
  STRATOSCOPE_EDIT = 4,      /* an edit that cannot be read or does not fit */
  STRATOSCOPE_FILE = 5,      /* a file that cannot be read or written */
  STRATOSCOPE_UNKNOWN = 6,   /* a name that nothing has: an experiment, a hook point, an array, a tensor */
  STRATOSCOPE_CANCELLED = 7, /* a callback asked to stop */
  STRATOSCOPE_MEMORY = 8,    /* out of memory */
  STRATOSCOPE_INTERNAL = 9   /* a fault of this library */
} stratoscope_status;

/* Of the last call of this thread that failed. The texts are never NULL and live until the thread's next call. */
typedef struct stratoscope_error {
  int status;
  const char* problem; /* the error and the object that it is about */
  const char* where;   /* the part of the program or of the request: "edit", "safetensors", … */
  const char* hint;    /* the remedy; may be empty */
  const char* details; /* more lines with the place or the values; may be empty */
} stratoscope_error;

typedef struct stratoscope_model stratoscope_model;
typedef struct stratoscope_result stratoscope_result;

/* Numbers in memory. Strides are in bytes. */
typedef struct stratoscope_array {
  const char* name;
  void* data;         /* aligned to the number's size; NULL where a dimension is 0 */
  const char* format; /* "F64", "F32", "F16", "BF16", "I64", …, "I8", "U64", …, "U8", "BOOL" */
  size_t rank;
  const size_t* shape;
  const ptrdiff_t* strides;
  int read_only; /* 1: of a file; writing there ends the program */
} stratoscope_array;

/* A value at a hook point, for a callback that edits it; its axes, such as [pos, d_model], are those in `info`. */
typedef struct stratoscope_value {
  const char* hook_point; /* TransformerLens's name: "blocks.5.hook_mlp_out" */
  size_t sequence;        /* which of the request's texts */
  size_t first_position;  /* the position in its text of the pos axis's first row */
  void* data;             /* to be changed in place; valid until the callback returns */
  size_t rank;
  const size_t* shape;
  const ptrdiff_t* strides; /* in bytes */
  const char* format;       /* "F32"; "F64" of a model in precision fp64 */
} stratoscope_value;

/* Called in the thread that made the call, while it runs. Each may be NULL. A callback that returns other than 0 stops
 * the call, which then returns STRATOSCOPE_CANCELLED and leaves everything usable. A callback may call this library. */
typedef struct stratoscope_callbacks {
  size_t size; /* sizeof(stratoscope_callbacks) */
  void* user;  /* given to each callback */
  /* `done` of `total` steps of `task` are finished; at least once per block of the model. */
  int (*progress)(void* user, const char* task, size_t done, size_t total);
  /* A part of a result as it comes, as a JSON object: "token" of generate, "cells" of sweep, …
   * Numbers that are not finite are null. */
  int (*event)(void* user, const char* name, const char* json);
  /* The values at the request's "edit_points" of stratoscope_run, after its "edits" at the same point: one call for
   * each point and sequence. */
  int (*edit)(void* user, const stratoscope_value* value);
} stratoscope_callbacks;

/* STRATOSCOPE_ABI of the library. */
STRATOSCOPE_C_API uint32_t stratoscope_abi(void);
/* The library's version: "0.1.0". */
STRATOSCOPE_C_API const char* stratoscope_version(void);
STRATOSCOPE_C_API const stratoscope_error* stratoscope_last_error(void);
/* All experiments, as a JSON array of {"name", "summary", "keys", "has_figure", "schema"}: the schema is the JSON
 * Schema of the request's fields, with defaults. */
STRATOSCOPE_C_API const char* stratoscope_experiments(void);

/* Opens a model. `options` is a JSON object, or NULL for the built-in model: {"model": name or folder, "precision":
 * "fp32", "threads": 0 for all cores, "pull": false; true downloads what is missing}. The weights are read when first
 * needed. `callbacks` may be NULL here and below. */
STRATOSCOPE_C_API int stratoscope_open(const char* options, const stratoscope_callbacks* callbacks,
                                       stratoscope_model** model);
/* Results of the model stay valid; arrays of stratoscope_tensor do not. */
STRATOSCOPE_C_API void stratoscope_close(stratoscope_model* model);

/* The text's tokens: the experiment `tokens`, with the arrays "ids" I32 [pos] and "offsets" I64 [pos, 2], in bytes. */
STRATOSCOPE_C_API int stratoscope_tokenize(const stratoscope_model* model, const char* text,
                                           stratoscope_result** result);
/* One forward pass of one or more texts. `request` is a JSON object:
 *   "texts": ["…"] or "ids": [[…]]   the sequences, each run as if it were alone
 *   "bos": true, false, or absent for the model's default; not with "ids"
 *   "edits": ["blocks.5.hook_mlp_out[-1] = 0"], "corrupt": the text that such edits read
 *   "edit_points": hook points whose values go to the callback `edit`; globs are allowed
 *   "capture": hook points, also with parts: "L5H3.pattern", "blocks.*.hook_mlp_out"
 *   "hidden_states": true, "logits": "all", "last" or "none", "stop_at": a block that is not run any more
 *   "truncate": false; true cuts a text at the model's context
 *   "effect": false; true measures the edits' effect on the logits, by a second run without them
 * Arrays, rows of all sequences end to end (N rows): "hidden_states" [n_layers + 1, N, d_model], "logits" [N, d_vocab],
 * "residual" [N, d_model] with "stop_at", "row_offsets" I64 [sequences + 1], "ids" I32 [N], and each captured value
 * under its hook point's name. F32, or F64 in precision fp64. "logits" of "last" is [sequences, d_vocab]. The document
 * has "sequences": [{"text", "tokens", "offsets", "notes"}], "arrays": [{"name", "format", "shape"}], and where they
 * were asked "effect" and "globs". */
STRATOSCOPE_C_API int stratoscope_run(const stratoscope_model* model, const char* request,
                                      const stratoscope_callbacks* callbacks, stratoscope_result** result);
/* Any experiment by its name; `request` has its fields as a JSON object (NULL: none). */
STRATOSCOPE_C_API int stratoscope_request(const stratoscope_model* model, const char* experiment, const char* request,
                                          const stratoscope_callbacks* callbacks, stratoscope_result** result);
/* A weight by its name in the checkpoint, as Hugging Face names it; of the file's memory, without a copy, valid until
 * the model is closed. With the name NULL, `array` is unchanged and `names`, where it is not NULL, becomes a JSON array
 * of {"name", "format", "shape"}. */
STRATOSCOPE_C_API int stratoscope_tensor(const stratoscope_model* model, const char* name, stratoscope_array* array,
                                         const char** names);

/* The document. Lives as long as the result; NULL only for a NULL result. */
STRATOSCOPE_C_API const char* stratoscope_result_json(const stratoscope_result* result);
STRATOSCOPE_C_API size_t stratoscope_result_array_count(const stratoscope_result* result);
/* An array by its index, or by its name. Its memory lives as long as the result, and may be written to. */
STRATOSCOPE_C_API int stratoscope_result_array(const stratoscope_result* result, size_t index,
                                               stratoscope_array* array);
STRATOSCOPE_C_API int stratoscope_result_array_named(const stratoscope_result* result, const char* name,
                                                     stratoscope_array* array);
/* The figure of an experiment that has one, in `format` "svg", "png", "pdf", "html", "csv" or "vl.json" and `theme`
 * "light" or "dark". png and pdf need gnuplot. `bytes` live as long as the result. */
STRATOSCOPE_C_API int stratoscope_result_figure(const stratoscope_result* result, const char* format, const char* theme,
                                                const char** bytes, size_t* size);
STRATOSCOPE_C_API void stratoscope_result_free(stratoscope_result* result);

/* Row by row, in float64: `out` has as many numbers as `logits`. What every metric of the library uses. */
STRATOSCOPE_C_API int stratoscope_log_softmax(const float* logits, size_t rows, size_t columns, double* out);
/* The cosine similarity of all pairs of rows: `out` is [rows, rows]. 0 for a row of zeros. */
STRATOSCOPE_C_API int stratoscope_cosine(const float* vectors, size_t rows, size_t columns, double* out);

#ifdef __cplusplus
}
#endif
/* NOLINTEND */

#endif
