/* Reads a scenario: lines of `key value`; a script is `script`, then lines of `S text` (send) and
 * `E text` (expect). */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scenario scenario = {
    .mode = "closed",
    .connections = 1,
    .channels = 1,
    .bytes = 200,
    .concurrency = 64,
    .window = 1,
    .burst = 1,
    .rate = 500,
    .warm_ms = 500,
    .measure_ms = 2000,
    .settle_ms = 2000,
    .shake = true,
    .ping_length = -1,
};

/* `\n`, `\r` and `\0` are escapes for what a line of the file cannot contain. */
static size_t unescape(char *text) {
  char *to = text;
  for (char *from = text; *from; from++, to++) {
    if (from[0] == '\\' && (from[1] == 'n' || from[1] == '0' || from[1] == 'r')) {
      from++;
      *to = *from == 'n' ? '\n' : *from == 'r' ? '\r' : '\0';
    } else {
      *to = *from;
    }
  }
  *to = '\0';
  return (size_t)(to - text);
}

static int *number_named(const char *key) {
  static const struct {
    const char *key;
    int *value;
  } numbers[] = {
      {"port", &scenario.port},           {"control", &scenario.control},
      {"broker", &scenario.broker},       {"connections", &scenario.connections},
      {"channels", &scenario.channels},
      {"bytes", &scenario.bytes},         {"concurrency", &scenario.concurrency},
      {"window", &scenario.window},       {"burst", &scenario.burst},
      {"rate", &scenario.rate},           {"warm-ms", &scenario.warm_ms},
      {"measure-ms", &scenario.measure_ms}, {"settle-ms", &scenario.settle_ms},
      {"warm-connects", &scenario.warm_connects}, {"stalled", &scenario.stalled},
      {"source", &scenario.source},       {"number", &scenario.number},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (strcmp(numbers[i].key, key) == 0) return numbers[i].value;
  return NULL;
}

static void add_step(char kind, const char *text) {
  struct script *script = &scenario.scripts[scenario.script_count - 1];
  if (scenario.script_count == 0 || script->count == MAX_STEPS) fail("a step without a script, or too many");
  char *copy = strdup(text);
  script->steps[script->count++] = (struct step){.kind = kind, .text = copy, .length = unescape(copy)};
}

static void take(const char *key, const char *value) {
  int *number = number_named(key);
  if (number) {
    *number = atoi(value);
  } else if (strcmp(key, "mode") == 0) {
    snprintf(scenario.mode, sizeof scenario.mode, "%s", value);
  } else if (strcmp(key, "shake") == 0) {
    scenario.shake = atoi(value) != 0;
  } else if (strcmp(key, "upgrade") == 0) {
    snprintf(scenario.upgrade, sizeof scenario.upgrade, "%s", value);
    unescape(scenario.upgrade);
  } else if (strcmp(key, "pid") == 0) {
    if (scenario.pid_count < MAX_PIDS) scenario.pids[scenario.pid_count++] = atoi(value);
  } else if (strcmp(key, "token") == 0) {
    if (scenario.token_count < MAX_TOKENS) scenario.tokens[scenario.token_count++] = strdup(value);
  } else if (strcmp(key, "ping") == 0) {
    snprintf(scenario.ping, sizeof scenario.ping, "%s", value);
    scenario.ping_length = (int)strlen(scenario.ping);
  } else if (strcmp(key, "pong") == 0) {
    snprintf(scenario.pong, sizeof scenario.pong, "%s", value);
  } else if (strcmp(key, "script") == 0) {
    if (scenario.script_count++ == MAX_SCRIPTS) fail("too many scripts");
  } else if (strcmp(key, "S") == 0 || strcmp(key, "E") == 0) {
    add_step(key[0], value);
  } else {
    fail("unknown line in the scenario: %s", key);
  }
}

void read_scenario(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail("%s cannot be read", path);
  static char line[1 << 16];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    char *value = strchr(line, ' ');
    if (value) *value++ = '\0';
    if (line[0]) take(line, value ? value : "");
  }
  fclose(file);
}
