/* The resources of a process, by the kernel's accounts (proc(5)), and histograms of latencies. */
#include "load.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* In nanoseconds, while stat counts ticks of 10 ms. Threads that have ended are missing; servers
 * keep theirs. */
static double scheduled(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (!tasks) return 0;
  double seconds = 0;
  for (struct dirent *task; (task = readdir(tasks));) {
    if (task->d_name[0] == '.') continue;
    char file[400];
    snprintf(file, sizeof file, "/proc/%d/task/%s/schedstat", pid, task->d_name);
    FILE *stat = fopen(file, "r");
    unsigned long long ns = 0;
    if (stat && fscanf(stat, "%llu", &ns) == 1) seconds += (double)ns / 1e9;
    if (stat) fclose(stat);
  }
  closedir(tasks);
  return seconds;
}

static double user_share(int pid, double *ticks) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  char *after = strrchr(text, ')');
  unsigned long user = 0, system = 0;
  if (!after || sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) return 0;
  *ticks = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
  return (double)user / (double)sysconf(_SC_CLK_TCK);
}

struct usage usage_of_server(void) {
  struct usage sum = {0, 0};
  for (int i = 0; i < scenario.pid_count; i++) {
    double ticks = 0;
    sum.user += user_share(scenario.pids[i], &ticks);
    double precise = scheduled(scenario.pids[i]);
    sum.total += precise > 0 ? precise : ticks;
  }
  return sum;
}

struct usage usage_of_self(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double user = (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6;
  return (struct usage){.user = user, .total = user + (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6};
}

long rss_of_server(void) {
  long pages = 0;
  for (int i = 0; i < scenario.pid_count; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/statm", scenario.pids[i]);
    FILE *file = fopen(path, "r");
    long resident = 0;
    if (file && fscanf(file, "%*d %ld", &resident) == 1) pages += resident;
    if (file) fclose(file);
  }
  return pages * sysconf(_SC_PAGESIZE);
}

/* Buckets grow by an eighth of a power of two: an error of at most 6 %, below the noise of a run. */
enum { STEPS = 8, BUCKETS = 64 * STEPS };
static struct {
  uint64_t buckets[BUCKETS], sum;
} histograms[LATENCIES];

void latency_clear(void) { memset(histograms, 0, sizeof histograms); }

void latency_add(enum latency which, int64_t ns) {
  uint64_t value = ns < STEPS ? STEPS : (uint64_t)ns;
  int power = 63 - __builtin_clzll(value);
  int step = (int)((value >> (power - 3)) & (STEPS - 1));
  histograms[which].buckets[power * STEPS + step]++;
  histograms[which].sum++;
}

double latency_at(enum latency which, double quantile) {
  uint64_t wanted = (uint64_t)((double)histograms[which].sum * quantile), seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += histograms[which].buckets[i];
    if (seen > wanted) {
      double low = (double)(1ULL << (i / STEPS));
      return low * (1 + (i % STEPS + 0.5) / STEPS) / 1000;
    }
  }
  return 0;
}
