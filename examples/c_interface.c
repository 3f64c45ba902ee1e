/* The C interface: the log-probability of a target after a text, and what is left of it when a callback scales the output
 * of one block, block by block.
 *   c_interface [TEXT [MODEL [TARGET [FACTOR]]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stratoscope/c/stratoscope.h>

/* Ends the program with the last error where a call failed. */
static void check(int status) {
  const stratoscope_error *error = stratoscope_last_error();
  if (status == STRATOSCOPE_OK) return;
  fprintf(stderr, "c_interface: %s: %s", error->where, error->problem);
  if (error->hint[0] != '\0') fprintf(stderr, "; %s", error->hint);
  fprintf(stderr, "\n%s", error->details);
  exit(1);
}

/* Of an array that is known to be there, in memory that the result owns. */
static stratoscope_array array_of(const stratoscope_result *result, const char *name) {
  stratoscope_array array;
  check(stratoscope_result_array_named(result, name, &array));
  return array;
}

static char *allocated(size_t size) {
  char *memory = malloc(size);
  if (memory == NULL) exit(1);
  return memory;
}

/* {"ids": [[464, 6193]], …}: what was tokenized once needs no quoting. */
static char *request_of(const stratoscope_array *ids, const char *members) {
  const int32_t *numbers = ids->data;
  char *request = allocated(12 * ids->shape[0] + strlen(members) + 32), *end = request;
  size_t i;
  end += sprintf(end, "{\"ids\": [[");
  for (i = 0; i < ids->shape[0]; ++i) end += sprintf(end, i == 0 ? "%d" : ", %d", (int)numbers[i]);
  sprintf(end, "]]%s}", members);
  return request;
}

/* The log-probability of the token `id` after the text of a run that kept its last logits. */
static double log_prob_of(const stratoscope_result *run, int32_t id) {
  const stratoscope_array logits = array_of(run, "logits");
  double *log_probs = (double *)allocated(logits.shape[1] * sizeof(double)), log_prob;
  check(stratoscope_log_softmax(logits.data, 1, logits.shape[1], log_probs));
  log_prob = log_probs[id];
  free(log_probs);
  return log_prob;
}

/* Scales a value of two axes, [pos, d_model], in place. */
static int scale(void *user, const stratoscope_value *value) {
  const float factor = *(const float *)user;
  size_t row, column;
  for (row = 0; row < value->shape[0]; ++row)
    for (column = 0; column < value->shape[1]; ++column)
      *(float *)((char *)value->data + (ptrdiff_t)row * value->strides[0] + (ptrdiff_t)column * value->strides[1]) *=
          factor;
  return 0; /* another number would stop the run */
}

int main(int argc, char **argv) {
  const char *text = argc > 1 ? argv[1]
                              : "As Gregor Samsa awoke one morning from uneasy dreams, "
                                "he found himself transformed in his bed into a gigantic";
  const char *target = argc > 3 ? argv[3] : " insect";
  float factor = argc > 4 ? (float)atof(argv[4]) : 0.8F;
  stratoscope_model *model = NULL;
  stratoscope_result *tokens = NULL, *target_tokens = NULL, *run = NULL;
  stratoscope_callbacks callbacks = {sizeof callbacks, NULL, NULL, NULL, NULL};
  stratoscope_array ids;
  char *options = NULL, *request;
  size_t blocks, block;
  int32_t id;

  if (stratoscope_abi() != STRATOSCOPE_ABI) return 1;
  if (argc > 2) {
    options = allocated(strlen(argv[2]) + 16); /* a name without quotes */
    sprintf(options, "{\"model\": \"%s\"}", argv[2]);
  }
  check(stratoscope_open(options, NULL, &model));
  check(stratoscope_tokenize(model, text, &tokens));
  check(stratoscope_tokenize(model, target, &target_tokens));
  ids = array_of(tokens, "ids");
  id = *(const int32_t *)array_of(target_tokens, "ids").data;

  request = request_of(&ids, ", \"logits\": \"last\"");
  check(stratoscope_run(model, request, NULL, &run));
  blocks = array_of(run, "hidden_states").shape[0] - 1;
  printf("clean     %.9f\n", log_prob_of(run, id));
  stratoscope_result_free(run);
  free(request);

  callbacks.user = &factor;
  callbacks.edit = scale;
  for (block = 0; block < blocks; ++block) {
    char members[128];
    sprintf(members, ", \"logits\": \"last\", \"hidden_states\": false, \"edit_points\": [\"blocks.%u.hook_resid_post\"]",
            (unsigned)block);
    request = request_of(&ids, members);
    check(stratoscope_run(model, request, &callbacks, &run));
    printf("block %2u  %.9f\n", (unsigned)block, log_prob_of(run, id));
    stratoscope_result_free(run);
    free(request);
  }

  stratoscope_result_free(target_tokens);
  stratoscope_result_free(tokens);
  stratoscope_close(model);
  free(options);
  return 0;
}
