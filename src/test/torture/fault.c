/* Counts what the processes of one command do to files below a folder, and fails or kills at the n-th such operation.
 * Loaded with LD_PRELOAD. Writes a trace from which `trace.ts` knows what a power cut would have taken.
 *
 * FAULT_ROOT   folder; operations on other paths are neither counted nor traced
 * FAULT_STATE  file that all processes map: counters by kind, process ids
 * FAULT_TRACE  file to which every operation is appended
 * FAULT_KINDS  bit mask of the kinds that count
 * FAULT_AT     the operation at which it happens, from 1; 0: only count
 * FAULT_ACTION an errno (above 0), -1: kill all, -2: kill the process that does it, -3: kill the first process
 * FAULT_DAYS   the clock says that it is so many days earlier
 * FAULT_STICKY 1: every later operation of these kinds fails, too
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_W = 1, WRITE = 2, RENAME = 4, UNLINK = 8, LINK = 16, MKDIR = 32, SYNC = 64, EXEC = 128, OPEN_R = 256, READ = 512 };
#define KINDS 10
#define PIDS 1024
#define FDS 4096
#define TRACE_FD 600

struct state {
  atomic_long count[KINDS];
  atomic_long counted;
  atomic_long happened;
  atomic_int processes;
  int pids[PIDS];
};

static struct state *state;
static const char *root;
static size_t root_length;
static long at, action, kinds;
static int sticky, trace = -1;
static unsigned char dirty[FDS];

#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__); if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void start(void) {
  const char *file = getenv("FAULT_STATE");
  root = getenv("FAULT_ROOT");
  if (!file || !root) return;
  root_length = strlen(root);
  at = atol(getenv("FAULT_AT") ?: "0");
  action = atol(getenv("FAULT_ACTION") ?: "0");
  kinds = atol(getenv("FAULT_KINDS") ?: "0");
  sticky = atoi(getenv("FAULT_STICKY") ?: "0");
  int fd = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *map = mmap(0, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (map == MAP_FAILED) return;
  const char *log = getenv("FAULT_TRACE");
  if (log) {
    int opened = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
    if (opened >= 0) {
      trace = fcntl(opened, F_DUPFD_CLOEXEC, TRACE_FD);
      syscall(SYS_close, opened);
    }
  }
  state = map;
  int place = atomic_fetch_add(&state->processes, 1);
  if (place < PIDS) state->pids[place] = getpid();
}

__attribute__((destructor)) static void end(void) {
  if (!state) return;
  for (int i = 0; i < PIDS; i++) if (state->pids[i] == getpid()) state->pids[i] = 0;
}

/* The absolute path when it counts, else 0. The result is static to the thread. */
static const char *inside(int dir, const char *path) {
  static __thread char buffer[PATH_MAX * 2];
  if (!state || !path) return 0;
  if (path[0] == '/') snprintf(buffer, sizeof buffer, "%s", path);
  else {
    char base[PATH_MAX];
    if (dir == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return 0;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
      ssize_t n = readlink(link, base, sizeof base - 1);
      if (n < 0) return 0;
      base[n] = 0;
    }
    snprintf(buffer, sizeof buffer, "%s/%s", base, path);
  }
  if (strncmp(buffer, root, root_length) != 0 || (buffer[root_length] != '/' && buffer[root_length] != 0)) return 0;
  return buffer;
}

static void note(const char *op, const char *a, const char *b) {
  if (trace < 0) return;
  char line[PATH_MAX * 4];
  int n = snprintf(line, sizeof line, "%s\t%s\t%s\n", op, a, b ? b : "");
  if (n > 0 && (size_t)n < sizeof line) syscall(SYS_write, trace, line, n);
}

static int bit(int kind) { int n = 0; while (kind >>= 1) n++; return n; }

/* Counts one operation; an errno when it has to fail. */
static int meet(int kind) {
  atomic_fetch_add(&state->count[bit(kind)], 1);
  if (!(kinds & kind)) return 0;
  long n = atomic_fetch_add(&state->counted, 1) + 1;
  if (at == 0 || n < at || (n > at && !(sticky && action > 0))) return 0;
  atomic_fetch_add(&state->happened, 1);
  if (action > 0) return (int)action;
  if (action == -3) {
    kill(state->pids[0] ? state->pids[0] : getpid(), SIGKILL);
    return 0;
  }
  if (action == -1) {
    for (int i = 0; i < PIDS; i++) {
      int pid = state->pids[i];
      if (pid > 1 && pid != getpid()) kill(pid, SIGKILL);
    }
  }
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

#define FAIL(kind, path) do { if (path) { int error = meet(kind); if (error) { errno = error; return -1; } } } while (0)

static int opened(int fd, int flags, const char *path, long size) {
  if (fd < 0 || fd >= FDS || !path) return fd;
  dirty[fd] = 0;
  if ((flags & O_ACCMODE) != O_RDONLY && (size < 0 || (flags & O_TRUNC))) {
    dirty[fd] = 1;
    note("w", path, size < 0 ? "-1" : "0");
  }
  return fd;
}

static int open_any(int dir, const char *path, int flags, mode_t mode) {
  REAL(int, openat, int, const char *, int, ...);
  char copy[PATH_MAX * 2];
  const char *counts = inside(dir, path);
  if (counts) counts = strcpy(copy, counts);
  FAIL((flags & O_ACCMODE) == O_RDONLY ? OPEN_R : OPEN_W, counts);
  struct stat there;
  long size = counts && fstatat(dir, path, &there, 0) == 0 ? there.st_size : -1;
  return opened(real_openat(dir, path, flags, mode), flags, counts, size);
}

#define OPEN_BODY(dir) \
  va_list list; va_start(list, flags); \
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(list, mode_t) : 0; va_end(list); \
  return open_any(dir, path, flags, mode);
int open(const char *path, int flags, ...) { OPEN_BODY(AT_FDCWD) }
int open64(const char *path, int flags, ...) { OPEN_BODY(AT_FDCWD) }
int openat(int dir, const char *path, int flags, ...) { OPEN_BODY(dir) }
int openat64(int dir, const char *path, int flags, ...) { OPEN_BODY(dir) }
int __open_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_any(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

static FILE *open_stream(const char *path, const char *mode) {
  int flags = mode[0] == 'r' ? O_RDONLY : mode[0] == 'w' ? O_WRONLY | O_CREAT | O_TRUNC : O_WRONLY | O_CREAT | O_APPEND;
  if (strchr(mode, '+')) flags = (flags & ~O_ACCMODE) | O_RDWR;
  int fd = open_any(AT_FDCWD, path, flags | (strchr(mode, 'e') ? O_CLOEXEC : 0), 0666);
  return fd < 0 ? 0 : fdopen(fd, mode);
}
FILE *fopen(const char *path, const char *mode) {
  REAL(FILE *, fopen, const char *, const char *);
  return inside(AT_FDCWD, path) ? open_stream(path, mode) : real_fopen(path, mode);
}
FILE *fopen64(const char *path, const char *mode) {
  REAL(FILE *, fopen64, const char *, const char *);
  return inside(AT_FDCWD, path) ? open_stream(path, mode) : real_fopen64(path, mode);
}

/* By what the kernel says: numbers are closed and used again where nobody sees it. */
static const char *path_of(int fd) {
  static __thread char buffer[PATH_MAX];
  if (!state || fd < 0 || fd >= FDS) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, buffer, sizeof buffer - 1);
  if (n <= 0) return 0;
  buffer[n] = 0;
  if (n > 10 && strcmp(buffer + n - 10, " (deleted)") == 0) return 0;
  return inside(AT_FDCWD, buffer[0] == '/' ? buffer : 0) ? buffer : 0;
}

static void wrote(int fd) {
  const char *path = path_of(fd);
  if (!path || dirty[fd]) return;
  dirty[fd] = 1;
  struct stat now;
  char size[32];
  snprintf(size, sizeof size, "%ld", fstat(fd, &now) == 0 ? (long)now.st_size : 0L);
  note("w", path, size);
}
#define WRITE_BODY(call) FAIL(WRITE, path_of(fd)); wrote(fd); return call;
ssize_t write(int fd, const void *data, size_t n) { REAL(ssize_t, write, int, const void *, size_t); WRITE_BODY(real_write(fd, data, n)) }
ssize_t pwrite(int fd, const void *data, size_t n, off_t o) { REAL(ssize_t, pwrite, int, const void *, size_t, off_t); WRITE_BODY(real_pwrite(fd, data, n, o)) }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t o) { REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t); WRITE_BODY(real_pwrite64(fd, data, n, o)) }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(ssize_t, writev, int, const struct iovec *, int); WRITE_BODY(real_writev(fd, v, n)) }
ssize_t pwritev(int fd, const struct iovec *v, int n, off_t o) { REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t); WRITE_BODY(real_pwritev(fd, v, n, o)) }
ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t o) { REAL(ssize_t, pwritev64, int, const struct iovec *, int, off64_t); WRITE_BODY(real_pwritev64(fd, v, n, o)) }
int ftruncate(int fd, off_t n) { REAL(int, ftruncate, int, off_t); WRITE_BODY(real_ftruncate(fd, n)) }
int ftruncate64(int fd, off64_t n) { REAL(int, ftruncate64, int, off64_t); WRITE_BODY(real_ftruncate64(fd, n)) }
ssize_t read(int fd, void *data, size_t n) { REAL(ssize_t, read, int, void *, size_t); FAIL(READ, path_of(fd)); return real_read(fd, data, n); }
ssize_t pread64(int fd, void *data, size_t n, off64_t o) { REAL(ssize_t, pread64, int, void *, size_t, off64_t); FAIL(READ, path_of(fd)); return real_pread64(fd, data, n, o); }

static int synced(int fd, int code) {
  const char *path = path_of(fd);
  if (code == 0 && path) { dirty[fd] = 0; note("s", path, 0); }
  return code;
}
int fsync(int fd) { REAL(int, fsync, int); FAIL(SYNC, path_of(fd)); return synced(fd, real_fsync(fd)); }
int fdatasync(int fd) { REAL(int, fdatasync, int); FAIL(SYNC, path_of(fd)); return synced(fd, real_fdatasync(fd)); }
/* git's batched sync: the contents leave the page cache file by file, and one fsync at the end flushes the disk. */
int sync_file_range(int fd, off64_t from, off64_t n, unsigned int flags) { REAL(int, sync_file_range, int, off64_t, off64_t, unsigned int); return synced(fd, real_sync_file_range(fd, from, n, flags)); }
int syncfs(int fd) { REAL(int, syncfs, int); int code = real_syncfs(fd); if (code == 0 && state) note("a", root, 0); return code; }

static int two(int kind, const char *op, int d1, const char *a, int d2, const char *b, int (*call)(int, const char *, int, const char *)) {
  char first[PATH_MAX * 2] = "", second[PATH_MAX * 2] = "";
  const char *x = inside(d1, a);
  if (x) strcpy(first, x);
  const char *y = inside(d2, b);
  if (y) strcpy(second, y);
  const char *counts = x || y ? first : 0;
  FAIL(kind, counts);
  int code = call(d1, a, d2, b);
  int error = errno;
  if (code == 0 && counts) note(op, first, second);
  errno = error;
  return code;
}
static int do_rename(int d1, const char *a, int d2, const char *b) { return syscall(SYS_renameat2, d1, a, d2, b, 0); }
static int do_link(int d1, const char *a, int d2, const char *b) { return syscall(SYS_linkat, d1, a, d2, b, 0); }
int rename(const char *a, const char *b) { return two(RENAME, "r", AT_FDCWD, a, AT_FDCWD, b, do_rename); }
int renameat(int d1, const char *a, int d2, const char *b) { return two(RENAME, "r", d1, a, d2, b, do_rename); }
int link(const char *a, const char *b) { return two(LINK, "l", AT_FDCWD, a, AT_FDCWD, b, do_link); }
int linkat(int d1, const char *a, int d2, const char *b, int flags) { (void)flags; return two(LINK, "l", d1, a, d2, b, do_link); }

static int one(int kind, const char *op, int dir, const char *path, long number, int flags, mode_t mode) {
  char copy[PATH_MAX * 2];
  const char *counts = inside(dir, path);
  if (counts) counts = strcpy(copy, counts);
  FAIL(kind, counts);
  int code = number == SYS_unlinkat ? syscall(number, dir, path, flags) : syscall(number, dir, path, mode);
  int error = errno;
  if (code == 0 && counts) note(op, counts, 0);
  errno = error;
  return code;
}
int unlink(const char *path) { return one(UNLINK, "u", AT_FDCWD, path, SYS_unlinkat, 0, 0); }
int unlinkat(int dir, const char *path, int flags) { return one(UNLINK, "u", dir, path, SYS_unlinkat, flags, 0); }
int rmdir(const char *path) { return one(UNLINK, "u", AT_FDCWD, path, SYS_unlinkat, AT_REMOVEDIR, 0); }
int mkdir(const char *path, mode_t mode) { return one(MKDIR, "m", AT_FDCWD, path, SYS_mkdirat, 0, mode); }
int mkdirat(int dir, const char *path, mode_t mode) { return one(MKDIR, "m", dir, path, SYS_mkdirat, 0, mode); }
int symlink(const char *target, const char *path) {
  const char *counts = inside(AT_FDCWD, path);
  FAIL(LINK, counts);
  return syscall(SYS_symlinkat, target, AT_FDCWD, path);
}

static int starts(void) {
  if (!state) return 0;
  int error = meet(EXEC);
  if (error) errno = error;
  return error;
}
int execve(const char *file, char *const argv[], char *const env[]) { REAL(int, execve, const char *, char *const[], char *const[]); return starts() ? -1 : real_execve(file, argv, env); }
int execv(const char *file, char *const argv[]) { REAL(int, execv, const char *, char *const[]); return starts() ? -1 : real_execv(file, argv); }
int execvp(const char *file, char *const argv[]) { REAL(int, execvp, const char *, char *const[]); return starts() ? -1 : real_execvp(file, argv); }
int execvpe(const char *file, char *const argv[], char *const env[]) { REAL(int, execvpe, const char *, char *const[], char *const[]); return starts() ? -1 : real_execvpe(file, argv, env); }

static time_t earlier(void) {
  static time_t seconds = -1;
  if (seconds < 0) seconds = atol(getenv("FAULT_DAYS") ?: "0") * 86400;
  return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  int code = syscall(SYS_clock_gettime, clock, now);
  if (code == 0 && clock == CLOCK_REALTIME) now->tv_sec -= earlier();
  return code;
}
