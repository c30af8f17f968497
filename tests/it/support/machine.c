/* Stands between a process and the system, and lets the disk and the clock fail when told so; see machine.rs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct switches {
  int64_t fsync_fails, disk_full, read_only, clock_ahead_s;
};

static const struct switches calm;
static const volatile struct switches *switches = &calm;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("MACHINE_SWITCHES");
  long file = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDONLY) : -1;
  if (file < 0) return;
  void *shared = mmap(NULL, sizeof calm, PROT_READ, MAP_SHARED, (int)file, 0);
  if (shared != MAP_FAILED) switches = shared;
  close((int)file);
}

static int fails_with(int error) {
  errno = error;
  return -1;
}

/* Whether a file would have to grow for this, and cannot. */
static int is_full(int file, off_t end) {
  struct stat status;
  return switches->disk_full && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && end > status.st_size;
}

int fsync(int file) { return switches->fsync_fails ? fails_with(EIO) : (int)syscall(SYS_fsync, file); }
int fdatasync(int file) { return switches->fsync_fails ? fails_with(EIO) : (int)syscall(SYS_fdatasync, file); }

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  if (is_full(file, at + (off64_t)count)) return fails_with(ENOSPC);
  return syscall(SYS_pwrite64, file, bytes, count, at);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) { return pwrite64(file, bytes, count, at); }

ssize_t write(int file, const void *bytes, size_t count) {
  if (switches->disk_full && is_full(file, lseek(file, 0, SEEK_CUR) + (off_t)count)) return fails_with(ENOSPC);
  return syscall(SYS_write, file, bytes, count);
}

static int open_at(const char *path, int flags, mode_t mode) {
  if (switches->read_only && (flags & (O_WRONLY | O_RDWR | O_CREAT))) return fails_with(EROFS);
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_at(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return open_at(path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (syscall(SYS_clock_gettime, clock, now) != 0) return -1;
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += switches->clock_ahead_s;
  return 0;
}
